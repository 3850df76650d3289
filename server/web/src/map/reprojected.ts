/**
 * A layer whose tiles are drawn in another system than they are cut in.
 *
 * OpenLayers cuts a reprojected tile at the box around it. Where the tile is turned against the view that box reaches
 * over its neighbours: outlines at the edge of the tile's margin show, and what is translucent is laid on twice. Here
 * it is cut at its own sides, and takes the place of what was drawn there instead of being laid on it.
 */

import VectorTileLayer from 'ol/layer/VectorTile.js'
import { getTransform } from 'ol/proj.js'
import type CanvasExecutorGroup from 'ol/render/canvas/ExecutorGroup.js'
import type CanvasVectorTileLayerRenderer from 'ol/renderer/canvas/VectorTileLayer.js'
import TileState from 'ol/TileState.js'
import { getUid } from 'ol/util.js'
import type VectorRenderTile from 'ol/VectorRenderTile.js'
import type { Bounds } from '../domain/catalogue'
import { TILE_PX } from './systems'

/** Points of a side: it is bent in the view. */
const POINTS = 8
/** A little over half a pixel more on each side: of two edges that only touch neither fills the pixels between them. */
const OVERLAP = 0.6 / TILE_PX

/** What of a group is drawn into the picture of a tile, and not over all tiles. */
const AREAS = 'Polygon'

type Drawn = Parameters<CanvasExecutorGroup['execute']>[0]
type Matrix = [number, number, number, number, number, number]

/** The sides of *box* as a flat ring of points, a little wider than it is. */
export function ring([west, south, east, north]: Bounds): number[] {
  const [wide, high] = [(east - west) * OVERLAP, (north - south) * OVERLAP]
  const corners = [
    [west - wide, south - high],
    [west - wide, north + high],
    [east + wide, north + high],
    [east + wide, south - high],
  ] as const
  return corners.flatMap(([x, y], index) => {
    const [toX, toY] = corners[(index + 1) % corners.length] ?? [x, y]
    return Array.from({ length: POINTS }, (_, step) => [
      x + ((toX - x) * step) / POINTS,
      y + ((toY - y) * step) / POINTS,
    ]).flat()
  })
}

export class ReprojectedLayer extends VectorTileLayer {
  override createRenderer(): CanvasVectorTileLayerRenderer {
    const renderer = super.createRenderer() as CanvasVectorTileLayerRenderer
    const update = renderer['updateExecutorGroup_'] as typeof this.cutAfter
    renderer['updateExecutorGroup_'] = (...given: Parameters<typeof this.cutAfter>): void => {
      update.apply(renderer, given)
      this.cutAfter(...given)
    }
    return renderer
  }

  /** What was just made to draw *tile* with: one group for each of our tiles in it. */
  private cutAfter(tile: VectorRenderTile, _ratio: number, projection: Parameters<typeof getTransform>[1]): void {
    const source = this.getSource()
    const grid = source?.getTileGrid()
    const toView = getTransform(source?.getProjection() ?? projection, projection)
    if (!grid || !toView) return
    const groups = tile.executorGroups[getUid(this)] ?? []
    const tiles = tile.sourceTiles.filter((each) => each.getState() === TileState.LOADED)
    groups.forEach((group, index) => {
      const coordinates = tiles[index]?.getTileCoord()
      if (!coordinates || Object.hasOwn(group, 'execute')) return
      const sides = ring(grid.getTileCoordExtent(coordinates) as unknown as Bounds)
      cut(group, toView(sides, sides, 2) as number[])
    })
  }
}

/** Has *group* drawn aside, and what lies within *sides* put in its place. */
function cut(group: CanvasExecutorGroup, sides: readonly number[]): void {
  const execute = group.execute.bind(group)
  const toBox = group.clip.bind(group)
  group.execute = (context, size, transform, rotation, snap, types, declutter) => {
    const draw = (on: typeof context): void => execute(on, size, transform, rotation, snap, types, declutter)
    if (!types?.includes(AREAS)) return draw(context)
    const aside = sheet(context.canvas.width, context.canvas.height)
    aside.setTransform(context.getTransform())
    group.clip = () => undefined
    draw(aside)
    group.clip = toBox
    // At a side each pixel keeps the share that the tile does not cover, and gets the tile's for the rest.
    for (const [on, operation] of [[aside, 'destination-in'], [context, 'destination-out']] as const) {
      on.save()
      on.globalCompositeOperation = operation
      on.fillStyle = 'black'
      trace(on, sides, transform as Matrix)
      on.fill()
      on.restore()
    }
    context.save()
    context.resetTransform()
    context.globalCompositeOperation = 'lighter'
    context.drawImage(aside.canvas, 0, 0)
    context.restore()
  }
}

function trace(context: Drawn, sides: readonly number[], [a, b, c, d, e, f]: Matrix): void {
  context.beginPath()
  for (let i = 0; i < sides.length; i += 2) {
    const [x, y] = [sides[i] ?? 0, sides[i + 1] ?? 0]
    context.lineTo(a * x + c * y + e, b * x + d * y + f)
  }
  context.closePath()
}

let kept: CanvasRenderingContext2D | null = null

/** A clear canvas, the same for all: what is drawn on it is used at once. */
function sheet(width: number, height: number): CanvasRenderingContext2D {
  kept ??= document.createElement('canvas').getContext('2d')
  if (!kept) throw new Error('a canvas without a context')
  kept.canvas.width = width
  kept.canvas.height = height
  return kept
}
