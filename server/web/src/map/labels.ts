/** One label for each feature in view, however many tiles it is cut into. Drawn above the tiles of its layer. */

import { intersects } from 'ol/extent.js'
import Feature from 'ol/Feature.js'
import Point from 'ol/geom/Point.js'
import VectorLayer from 'ol/layer/Vector.js'
import type VectorTileLayer from 'ol/layer/VectorTile.js'
import { getTransform } from 'ol/proj.js'
import type RenderFeature from 'ol/render/Feature.js'
import VectorSource from 'ol/source/Vector.js'
import { drawLabels, labelZoom, type ServerStyle } from './style'
import { projectionName } from './projections'
import { zoomAt, type MapSystem } from './systems'

export type Box = readonly [west: number, south: number, east: number, north: number]

/** Where the tiles of a layer are drawn. */
export interface Ground {
  /** The view's system, and the one that the tiles are cut in. */
  readonly view: MapSystem
  readonly tiles: MapSystem
  /** The view's resolution of zoom 0. */
  readonly zero: number
}

/** What one tile has of a feature. */
export interface Piece {
  readonly id: number | string
  readonly box: Box
  /** Where it can be written on. */
  readonly places: readonly (readonly [number, number])[]
}

/** Features of tiles have the name of their layer under this one, where the style function looks it up. */
export const TILE_LAYER = 'mvt:layer'

export class Labels {
  readonly layer: VectorLayer
  readonly #tiles: VectorTileLayer
  readonly #source: string
  readonly #ground: Ground
  readonly #points = new VectorSource<Feature<Point>>()
  #from: number | null = null
  #written = ''

  constructor(tiles: VectorTileLayer, source: string, ground: Ground) {
    this.#tiles = tiles
    this.#source = source
    this.#ground = ground
    this.layer = new VectorLayer({ source: this.#points, declutter: true })
    this.layer.setMaxResolution(tiles.getMaxResolution())
  }

  restyle(style: ServerStyle): void {
    this.#from = labelZoom(style, this.#source)
    drawLabels(this.layer, style, this.#source, this.#ground.zero)
  }

  /**
   * Writes on what is drawn in *view* (a box of the tiles' own system) now; nothing happens where that is the same
   * as before.
   */
  place(view: Box, resolution: number): void {
    // A little early: between two zooms the style itself decides.
    const isWritten = this.#from !== null && zoomAt(resolution, this.#ground.zero) >= this.#from - 0.5
    const drawn = isWritten ? this.#drawn(view) : []
    const features = new Map<number | string, RenderFeature>()
    const pieces = drawn.flatMap((feature): Piece[] => {
      const id = feature.getId()
      if (id === undefined) return []
      features.set(id, feature)
      return [{ id, box: feature.getExtent() as unknown as Box, places: placesOn(feature) }]
    })
    const chosen = choosePlaces(pieces, view)
    const written = JSON.stringify([...chosen])
    if (written === this.#written) return
    this.#written = written
    const toView = this.#toView()
    this.#points.clear(true)
    this.#points.addFeatures(
      [...chosen].map(([id, place]) => {
        const point = new Feature(new Point(toView([...place])))
        point.setId(id)
        point.setProperties({ ...features.get(id)?.getProperties(), [TILE_LAYER]: this.#source })
        return point
      }),
    )
  }

  /** OpenLayers looks for the tiles of a box in the view's grid, which reprojected tiles are not in: all, then ours. */
  #drawn(view: Box): RenderFeature[] {
    const { view: shown, tiles } = this.#ground
    const box = shown.code === tiles.code ? [...view] : [-Infinity, -Infinity, Infinity, Infinity]
    const features = this.#tiles.getFeaturesInExtent(box) as RenderFeature[]
    return features.filter((feature) => intersects(feature.getExtent(), [...view]))
  }

  #toView(): (place: number[]) => number[] {
    const { view, tiles } = this.#ground
    if (view.code === tiles.code) return (place) => place
    const move = getTransform(projectionName(tiles), projectionName(view))
    return (place) => move?.(place) ?? place
  }

  dispose(): void {
    this.#points.dispose()
    this.layer.dispose()
  }
}

/** For each feature the place on the piece of which most is in view; features without a place there have none. */
export function choosePlaces(pieces: readonly Piece[], view: Box): ReadonlyMap<Piece['id'], readonly [number, number]> {
  const best = new Map<Piece['id'], { readonly size: number; readonly place: readonly [number, number] }>()
  for (const { id, box, places } of pieces) {
    const place = places.find((candidate) => isWithin(candidate, view))
    const size = common(box, view)
    if (place && size > (best.get(id)?.size ?? -1)) best.set(id, { size, place })
  }
  return new Map([...best].sort(byId).map(([id, { place }]) => [id, place]))
}

/** Decluttering gives way by order: a fixed one keeps labels from taking turns. */
const byId = ([one]: readonly [Piece['id'], unknown], [other]: readonly [Piece['id'], unknown]): number =>
  one < other ? -1 : one > other ? 1 : 0

function placesOn(feature: RenderFeature): readonly (readonly [number, number])[] {
  switch (feature.getType()) {
    case 'Polygon': // of several parts, too: tiles do not tell them apart
      return pairs(feature.getFlatInteriorPoint().slice(0, 2))
    case 'LineString':
      return pairs(feature.getFlatMidpoint())
    case 'MultiLineString':
      return pairs(feature.getFlatMidpoints())
    default:
      return pairs(feature.getFlatCoordinates())
  }
}

function pairs(flat: readonly number[]): readonly (readonly [number, number])[] {
  return Array.from({ length: flat.length >> 1 }, (_, i) => [flat[i * 2] ?? NaN, flat[i * 2 + 1] ?? NaN] as const)
}

const isWithin = ([x, y]: readonly [number, number], [west, south, east, north]: Box): boolean =>
  west <= x && x <= east && south <= y && y <= north

function common(one: Box, other: Box): number {
  const width = Math.min(one[2], other[2]) - Math.max(one[0], other[0])
  const height = Math.min(one[3], other[3]) - Math.max(one[1], other[1])
  return Math.max(0, width) * Math.max(0, height)
}
