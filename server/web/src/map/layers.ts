/** Our vector tiles as OpenLayers layers, with what happens to them said as a status. */

import MVT from 'ol/format/MVT.js'
import type VectorLayer from 'ol/layer/Vector.js'
import VectorTileLayer from 'ol/layer/VectorTile.js'
import type RenderFeature from 'ol/render/Feature.js'
import VectorTileSource from 'ol/source/VectorTile.js'
import TileState from 'ol/TileState.js'
import type VectorTile from 'ol/VectorTile.js'
import { fetchTile, tileAddress } from '../api/layers'
import type { Bounds } from '../domain/catalogue'
import type { Position } from '../domain/coordinate'
import { TILES, tileGrid, zoomsIn, type Zooms } from './grids'
import { Labels, TILE_LAYER, type Ground } from './labels'
import { projectionName } from './projections'
import { ReprojectedLayer } from './reprojected'
import { draw, zoomsOf, type ServerStyle } from './style'
import { zeroResolution, zoomAt, type MapSystem } from './systems'
import { omittedLayer, readFacts, TileBook } from './tileFacts'

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
  /** How many features the tiles in view leave out. */
  readonly omitted: number
}

const LABELS_ABOVE = 500

export const IDLE: LayerStatus = { pending: 0, failure: null, omitted: 0 }

/** The view that layers are drawn in. */
export interface Drawing {
  readonly system: MapSystem
  /** The latitude at which a zone's zooms are those of the other views. */
  readonly latitude: number
}

export class TiledLayer {
  readonly layer: VectorTileLayer
  readonly #labels: Labels
  readonly #ground: Ground
  readonly #report: (status: LayerStatus) => void
  #drawn: DrawnLayer
  #status: LayerStatus = IDLE
  #book = new TileBook()
  #loading = new AbortController()

  constructor(drawn: DrawnLayer, { system, latitude }: Drawing, report: (status: LayerStatus) => void) {
    this.#drawn = drawn
    this.#report = report
    this.#ground = { view: system, tiles: TILES[system.grid].system, zero: zeroResolution(system, latitude) }
    const Layer = this.#ground.view === this.#ground.tiles ? VectorTileLayer : ReprojectedLayer
    this.layer = new Layer({ source: this.#tiles() })
    // Below the first zoom with tiles nothing is asked for: one more level would be four times the tiles.
    this.layer.setMaxResolution((this.#ground.zero / 2 ** this.#zooms.min) * 1.01)
    this.#labels = new Labels(this.layer, drawn.source, this.#ground)
    this.#restyle(drawn)
    this.update(drawn)
  }

  /** What the map holds of it. */
  get parts(): readonly (VectorTileLayer | VectorLayer)[] {
    return [this.layer, this.#labels.layer]
  }

  /** The larger *place*, the higher it lies; its labels lie above the areas and lines of all layers. */
  raise(place: number): void {
    this.layer.setZIndex(place)
    this.#labels.layer.setZIndex(LABELS_ABOVE + place)
  }

  update(drawn: DrawnLayer): void {
    for (const part of this.parts) part.setOpacity(drawn.opacity / 100)
    if (drawn.style !== this.#drawn.style) this.#restyle(drawn)
    this.#drawn = drawn
  }

  /** Once the tiles of *view* (a box of their system) are drawn: writes the labels anew, counts what is left out. */
  settle(view: Bounds, resolution: number): void {
    this.#labels.place(view, resolution)
    const omitted = this.#book.omitted(view, this.#zoomAt(resolution))
    if (omitted !== this.#status.omitted) this.#become({ ...this.#status, omitted })
  }

  /** True where areas of one class are drawn at *place* (of the tiles' system) in place of features. */
  isMerged(place: Position, resolution: number): boolean {
    return this.#book.isMerged(place, this.#zoomAt(resolution))
  }

  /** Forgets what was loaded and asks again. `refresh()` of a source keeps the tiles that failed: a new one does not. */
  reload(): void {
    this.#become({ ...this.#status, failure: null })
    const before = this.layer.getSource()
    this.#loading.abort()
    this.#loading = new AbortController()
    this.#book = new TileBook()
    this.layer.setSource(this.#tiles())
    before?.dispose()
  }

  dispose(): void {
    this.#loading.abort()
    this.#labels.dispose()
    this.layer.getSource()?.dispose()
    this.layer.dispose()
  }

  get #zooms(): Zooms {
    return zoomsIn(this.#ground.view.grid, zoomsOf(this.#drawn.style, this.#drawn.source))
  }

  /** The zoom of the tiles drawn at *resolution*. */
  #zoomAt(resolution: number): number {
    const { min, max } = this.#zooms
    return Math.min(max, Math.max(min, Math.floor(zoomAt(resolution, this.#ground.zero) + 1e-6)))
  }

  #restyle({ style, source }: DrawnLayer): void {
    draw(this.layer, style, source, this.#ground.zero)
    this.#labels.restyle(style)
  }

  #tiles(): VectorTileSource {
    const { source, collection } = this.#drawn
    const { grid } = this.#ground.view
    return new VectorTileSource({
      format: new MVT({ layers: [source, omittedLayer(source)], layerName: TILE_LAYER }),
      projection: projectionName(this.#ground.tiles),
      tileGrid: tileGrid(grid, this.#zooms),
      tileUrlFunction: ([zoom, column, row]) => tileAddress(collection, grid, zoom ?? 0, row ?? 0, column ?? 0),
      tileLoadFunction: (tile, url) => this.#load(tile as VectorTile<RenderFeature>, url),
      wrapX: false,
    })
  }

  #load(tile: VectorTile<RenderFeature>, url: string): void {
    const { signal } = this.#loading
    tile.setLoader((extent, _resolution, projection) => {
      this.#become({ ...this.#status, pending: this.#status.pending + 1 })
      const done = (failure: unknown): void =>
        this.#become({
          ...this.#status,
          pending: this.#status.pending - 1,
          failure: failure ?? this.#status.failure,
        })
      fetchTile(url, signal)
        .then((bytes) => {
          const all = tile.getFormat().readFeatures(bytes, { extent, featureProjection: projection })
          tile.setFeatures(this.#read(tile, url, extent as unknown as Bounds, all))
          done(null)
        })
        .catch((error: unknown) => {
          tile.setState(TileState.ERROR)
          done(signal.aborted ? null : error)
        })
    })
  }

  /** What is to be drawn of a tile; what else it says is kept in the book. */
  #read(
    tile: VectorTile<RenderFeature>,
    url: string,
    box: Bounds,
    features: readonly RenderFeature[],
  ): RenderFeature[] {
    const { source } = this.#drawn
    const drawn = features.filter((feature) => feature.get(TILE_LAYER) === source)
    const counts = features.filter((feature) => feature.get(TILE_LAYER) !== source)
    const properties = (feature: RenderFeature): Readonly<Record<string, unknown>> => feature.getProperties()
    const zoom = tile.getTileCoord()[0] ?? 0
    this.#book.write(url, { zoom, box, ...readFacts(drawn.map(properties), counts.map(properties)) })
    return drawn
  }

  #become(status: LayerStatus): void {
    this.#status = status
    this.#report(status)
  }
}
