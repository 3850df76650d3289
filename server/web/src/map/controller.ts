/** The one owner of the OpenLayers map: commands in, events out. Nothing of it enters Vue's reactivity. */

import Feature from 'ol/Feature.js'
import GeoJSON from 'ol/format/GeoJSON.js'
import { defaults as interactions } from 'ol/interaction/defaults.js'
import VectorLayer from 'ol/layer/Vector.js'
import OlMap from 'ol/Map.js'
import { fromLonLat, toLonLat, transformExtent } from 'ol/proj.js'
import VectorSource from 'ol/source/Vector.js'
import CircleStyle from 'ol/style/Circle.js'
import Fill from 'ol/style/Fill.js'
import Stroke from 'ol/style/Stroke.js'
import Style from 'ol/style/Style.js'
import View from 'ol/View.js'
import type { Bounds } from '../domain/catalogue'
import type { Position } from '../domain/coordinate'
import { IDLE, TiledLayer, type DrawnLayer, type LayerStatus } from './layers'
import { resolutionAt, scaleAt } from './scale'

export interface ViewPlace {
  readonly centre: Position
  readonly scale: number
}

export interface MapEvents {
  /** The view came to rest. */
  view: (place: ViewPlace) => void
  /** The scale while the view moves. */
  scale: (scale: number) => void
  pointer: (position: Position | null) => void
  /** A place was asked about; *resolution* in metres per pixel of the view. */
  asked: (position: Position, resolution: number) => void
  status: (collection: string, status: LayerStatus) => void
}

export interface MarkColours {
  readonly line: string
  readonly casing: string
}

const ABOVE_ALL = 1000
const MOVE_MS = 150
const FIT_PADDING_PX = 32
/** Nothing is looked at closer than 1:500 by a fit: one small parcel keeps its neighbours in sight. */
const FIT_RESOLUTION = 0.2
const LIMITS = { minResolution: 0.05, maxResolution: 80_000 }

export class MapController {
  readonly #map: OlMap
  readonly #view: View
  readonly #layers = new Map<string, TiledLayer>()
  readonly #marks = new VectorSource()
  readonly #events: MapEvents
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)').matches

  constructor(target: HTMLElement, colours: MarkColours, events: MapEvents) {
    this.#events = events
    this.#view = new View({
      projection: 'EPSG:3857',
      center: [0, 0],
      resolution: 80_000,
      enableRotation: false,
      ...LIMITS,
    })
    this.#map = new OlMap({
      target,
      view: this.#view,
      controls: [],
      interactions: interactions({ altShiftDragRotate: false, pinchRotate: false }),
      layers: [new VectorLayer({ source: this.#marks, style: markStyle(colours), zIndex: ABOVE_ALL })],
    })
    this.#listen(target)
  }

  dispose(): void {
    for (const layer of this.#layers.values()) layer.dispose()
    this.#map.setTarget(undefined)
    this.#map.dispose()
  }

  /** Draws exactly *drawn*, the uppermost first. */
  show(drawn: readonly DrawnLayer[]): void {
    const wanted = new Set(drawn.map((item) => item.collection))
    for (const [collection, layer] of this.#layers) {
      if (wanted.has(collection)) continue
      for (const part of layer.parts) this.#map.removeLayer(part)
      layer.dispose()
      this.#layers.delete(collection)
      this.#events.status(collection, IDLE)
    }
    drawn.forEach((item, index) => {
      const layer = this.#layers.get(item.collection) ?? this.#add(item)
      layer.update(item)
      for (const part of layer.parts) part.setZIndex(drawn.length - index)
    })
  }

  /** Asks again for the tiles of one layer, or of all. */
  reload(collection?: string): void {
    for (const [name, layer] of this.#layers) if (collection === undefined || name === collection) layer.reload()
  }

  place(): ViewPlace {
    const [longitude = 0, latitude = 0] = toLonLat(this.#view.getCenter() ?? [0, 0])
    return { centre: [longitude, latitude], scale: scaleAt(this.#view.getResolution() ?? 1, latitude) }
  }

  go({ centre, scale }: ViewPlace, animated = false): void {
    const to = { center: fromLonLat([...centre]), resolution: resolutionAt(scale, centre[1]) }
    if (animated && !this.#still) this.#view.animate({ ...to, duration: MOVE_MS })
    else {
      this.#view.setCenter(to.center)
      this.#view.setResolution(to.resolution)
    }
  }

  fit(bounds: Bounds, animated = false): void {
    const extent = transformExtent([...bounds], 'EPSG:4326', 'EPSG:3857')
    const duration = animated && !this.#still ? MOVE_MS : 0
    const padding = Array<number>(4).fill(FIT_PADDING_PX)
    this.#map.updateSize()
    this.#view.fit(extent, { padding, duration, minResolution: FIT_RESOLUTION })
  }

  zoom(by: number): void {
    const resolution = (this.#view.getResolution() ?? 1) / 2 ** by
    if (this.#still) this.#view.setResolution(resolution)
    else this.#view.animate({ resolution, duration: MOVE_MS })
  }

  /** Outlines one GeoJSON geometry (longitude, latitude), or nothing. */
  mark(geometry: unknown): void {
    this.#marks.clear()
    const drawn = geometry ? readGeometry(geometry) : null
    if (drawn) this.#marks.addFeature(new Feature(drawn))
  }

  /** Shows the marked geometry in the middle. */
  fitMark(): void {
    const extent = this.#marks.getExtent()
    if (!extent || !this.#marks.getFeatures().length) return
    const [west = 0, south = 0, east = 0, north = 0] = transformExtent(extent, 'EPSG:3857', 'EPSG:4326')
    this.fit([west, south, east, north], true)
  }

  askAtCentre(): void {
    this.#events.asked(this.place().centre, this.#view.getResolution() ?? 1)
  }

  #label(): void {
    const [west = 0, south = 0, east = 0, north = 0] = this.#view.calculateExtent(this.#map.getSize())
    for (const layer of this.#layers.values())
      layer.label([west, south, east, north], this.#view.getResolution() ?? 1)
  }

  #add(drawn: DrawnLayer): TiledLayer {
    const layer = new TiledLayer(drawn, (status) => this.#events.status(drawn.collection, status))
    this.#layers.set(drawn.collection, layer)
    for (const part of layer.parts) this.#map.addLayer(part)
    return layer
  }

  #listen(target: HTMLElement): void {
    const degrees = (coordinate: number[]): Position => {
      const [longitude = 0, latitude = 0] = toLonLat(coordinate)
      return [longitude, latitude]
    }
    this.#map.on('rendercomplete', () => this.#label())
    this.#map.on('moveend', () => this.#events.view(this.place()))
    this.#view.on('change:resolution', () => this.#events.scale(this.place().scale))
    this.#map.on('pointermove', (event) => this.#events.pointer(degrees(event.coordinate)))
    // Not `singleclick`: it waits a quarter of a second for a second click.
    this.#map.on('click', (event) => this.#events.asked(degrees(event.coordinate), this.#view.getResolution() ?? 1))
    target.addEventListener('pointerleave', () => this.#events.pointer(null))
    target.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.target !== target) return
      event.preventDefault()
      this.askAtCentre()
    })
  }
}

function readGeometry(geometry: unknown) {
  return new GeoJSON().readGeometry(geometry, { dataProjection: 'EPSG:4326', featureProjection: 'EPSG:3857' })
}

/** A 3 px dark line in a white casing: readable over every statutory colour, and itself none of them. */
function markStyle({ line, casing }: MarkColours): Style[] {
  const stroke = (color: string, width: number): Stroke => new Stroke({ color, width, lineJoin: 'round' })
  const point = new CircleStyle({ radius: 7, fill: new Fill({ color: casing }), stroke: stroke(line, 3) })
  return [new Style({ stroke: stroke(casing, 7) }), new Style({ stroke: stroke(line, 3), image: point })]
}
