/** Our vector tiles as OpenLayers layers, with what happens to them said as a status. */

import MVT from 'ol/format/MVT.js'
import VectorTileLayer from 'ol/layer/VectorTile.js'
import VectorTileSource from 'ol/source/VectorTile.js'
import TileState from 'ol/TileState.js'
import { createXYZ } from 'ol/tilegrid.js'
import type RenderFeature from 'ol/render/Feature.js'
import type VectorTile from 'ol/VectorTile.js'
import { getTile } from '../api/client'
import { tileAddress } from '../api/layers'
import { draw, zoomsOf, type ServerStyle } from './style'

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

/** A tile of 512 pixels, as MapLibre styles count zooms: the whole world at zoom 0. */
const TILE_SIZE = 512
const WORLD_RESOLUTION = 78271.51696402048

export class TiledLayer {
  readonly layer: VectorTileLayer
  readonly #report: (status: LayerStatus) => void
  #drawn: DrawnLayer
  #status: LayerStatus = IDLE

  constructor(drawn: DrawnLayer, report: (status: LayerStatus) => void) {
    this.#drawn = drawn
    this.#report = report
    this.layer = new VectorTileLayer({ source: this.#tiles(), declutter: true })
    const zooms = zoomsOf(drawn.style, drawn.source)
    // Below the first zoom with tiles nothing is asked for: one more level would be four times the tiles.
    this.layer.setMaxResolution((WORLD_RESOLUTION / 2 ** zooms.min) * 1.01)
    draw(this.layer, drawn.style, drawn.source)
    this.update(drawn)
  }

  update(drawn: DrawnLayer): void {
    this.layer.setOpacity(drawn.opacity / 100)
    if (drawn.style !== this.#drawn.style) draw(this.layer, drawn.style, drawn.source)
    this.#drawn = drawn
  }

  /** Forgets what was loaded and asks again. `refresh()` of a source keeps the tiles that failed: a new one does not. */
  reload(): void {
    this.#become({ pending: this.#status.pending, failure: null })
    const before = this.layer.getSource()
    this.layer.setSource(this.#tiles())
    before?.dispose()
  }

  dispose(): void {
    this.layer.getSource()?.dispose()
    this.layer.dispose()
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
