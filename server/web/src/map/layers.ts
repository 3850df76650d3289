/** Our vector tiles as OpenLayers layers, with what happens to them said as a status. */

import MVT from 'ol/format/MVT.js'
import type VectorLayer from 'ol/layer/Vector.js'
import VectorTileLayer from 'ol/layer/VectorTile.js'
import VectorTileSource from 'ol/source/VectorTile.js'
import TileState from 'ol/TileState.js'
import { createXYZ } from 'ol/tilegrid.js'
import type RenderFeature from 'ol/render/Feature.js'
import type VectorTile from 'ol/VectorTile.js'
import { getTile } from '../api/client'
import { tileAddress } from '../api/layers'
import { Labels, type Box } from './labels'
import { draw, zoomsOf, type ServerStyle } from './style'
import { WORLD_RESOLUTION } from './zoom'

export interface DrawnLayer {
  /** The collection drawn: a layer, or one edition of it. */
  readonly collection: string
  /** The layer's id: the source in its style and the layer in its tiles. */
  readonly source: string
  readonly style: ServerStyle
  readonly opacity: number
}

export interface LayerStatus {
  readonly pending: number
  /** The last failure since the layer was last (re)started. */
  readonly failure: unknown
}

export const IDLE: LayerStatus = { pending: 0, failure: null }

/** As MapLibre styles count zooms: the whole world at zoom 0. */
const TILE_SIZE = 512

export class TiledLayer {
  readonly layer: VectorTileLayer
  readonly #labels: Labels
  readonly #report: (status: LayerStatus) => void
  #drawn: DrawnLayer
  #status: LayerStatus = IDLE

  constructor(drawn: DrawnLayer, report: (status: LayerStatus) => void) {
    this.#drawn = drawn
    this.#report = report
    this.layer = new VectorTileLayer({ source: this.#tiles() })
    const zooms = zoomsOf(drawn.style, drawn.source)
    // Below the first zoom with tiles nothing is asked for: one more level would be four times the tiles.
    this.layer.setMaxResolution((WORLD_RESOLUTION / 2 ** zooms.min) * 1.01)
    this.#labels = new Labels(this.layer, drawn.source)
    this.#restyle(drawn)
    this.update(drawn)
  }

  /** What the map holds of it. */
  get parts(): readonly (VectorTileLayer | VectorLayer)[] {
    return [this.layer, this.#labels.layer]
  }

  update(drawn: DrawnLayer): void {
    for (const part of this.parts) part.setOpacity(drawn.opacity / 100)
    if (drawn.style !== this.#drawn.style) this.#restyle(drawn)
    this.#drawn = drawn
  }

  /** Writes the labels anew, once the tiles of *view* are drawn. */
  label(view: Box, resolution: number): void {
    this.#labels.place(view, resolution)
  }

  /** Forgets what was loaded and asks again. `refresh()` of a source keeps the tiles that failed: a new one does not. */
  reload(): void {
    this.#become({ pending: this.#status.pending, failure: null })
    const before = this.layer.getSource()
    this.layer.setSource(this.#tiles())
    before?.dispose()
  }

  dispose(): void {
    this.#labels.dispose()
    this.layer.getSource()?.dispose()
    this.layer.dispose()
  }

  #restyle({ style, source }: DrawnLayer): void {
    draw(this.layer, style, source)
    this.#labels.restyle(style)
  }

  #tiles(): VectorTileSource {
    const { style, source, collection } = this.#drawn
    const zooms = zoomsOf(style, source)
    return new VectorTileSource({
      format: new MVT({ layers: [source] }),
      tileGrid: createXYZ({ tileSize: TILE_SIZE, minZoom: zooms.min, maxZoom: zooms.max }),
      tileUrlFunction: ([zoom, column, row]) => tileAddress(collection, zoom ?? 0, row ?? 0, column ?? 0),
      tileLoadFunction: (tile, url) => this.#load(tile as VectorTile<RenderFeature>, url),
      wrapX: false,
    })
  }

  #load(tile: VectorTile<RenderFeature>, url: string): void {
    tile.setLoader((extent, _resolution, projection) => {
      this.#become({ ...this.#status, pending: this.#status.pending + 1 })
      const done = (failure: unknown): void =>
        this.#become({ pending: this.#status.pending - 1, failure: failure ?? this.#status.failure })
      getTile(url)
        .then((bytes) => {
          tile.setFeatures(tile.getFormat().readFeatures(bytes, { extent, featureProjection: projection }))
          done(null)
        })
        .catch((error: unknown) => {
          tile.setState(TileState.ERROR)
          done(error)
        })
    })
  }

  #become(status: LayerStatus): void {
    this.#status = status
    this.#report(status)
  }
}
