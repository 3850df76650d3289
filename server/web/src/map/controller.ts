/** The one owner of the OpenLayers map: commands in, events out. Nothing of it enters Vue's reactivity. */

import { defaults as interactions } from 'ol/interaction/defaults.js'
import OlMap from 'ol/Map.js'
import { fromLonLat, toLonLat } from 'ol/proj.js'
import View from 'ol/View.js'
import type { Bounds } from '../domain/catalogue'
import type { Position } from '../domain/coordinate'
import { TILES } from './grids'
import { IDLE, TiledLayer, type Drawing, type DrawnLayer, type LayerStatus } from './layers'
import { Marks, type MarkColours } from './marks'
import { alignTiles, boxIn, extentOf, placeIn, projectionName, register } from './projections'
import { resolutionAt, scaleAt } from './scale'
import { DEGREES, zeroResolution, type MapSystem } from './systems'
import { REACH_PX, type Asked } from './tools/pick'

export interface ViewPlace {
  readonly centre: Position
  readonly scale: number
}

/** Something of a page's own above the layers. */
export interface Overlay {
  /** Draws the same in another system of the view. */
  move: (system: MapSystem) => void
  dispose: () => void
}

export type OverlayMaker<T extends Overlay> = (map: OlMap, system: MapSystem, colours: MarkColours) => T

export interface MapEvents {
  /** The view came to rest. */
  view: (place: ViewPlace) => void
  /** The scale while the view moves. */
  scale: (scale: number) => void
  pointer: (position: Position | null) => void
  /** A place was asked about. */
  asked: (asked: Asked) => void
  status: (collection: string, status: LayerStatus) => void
}

const MOVE_MS = 150
const FIT_PADDING_PX = 32
/** Nothing is looked at closer than 1:500 or so by a fit: one small parcel keeps its neighbours in sight. */
const FIT_ZOOM = 18.5
const DEEPEST_ZOOM = 20.6
/** A zone ends far from its meridian: no world to be seen in it. */
const ZONE_WIDEST_ZOOM = 3.5
/** Degrees of latitude after which a zone's zooms are set anew. */
const FAR_DEG = 3

export class MapController {
  readonly #map: OlMap
  readonly #layers = new Map<string, TiledLayer>()
  readonly #marks: Marks
  readonly #colours: MarkColours
  readonly #events: MapEvents
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)').matches
  #drawn: readonly DrawnLayer[] = []
  readonly #overlays: Overlay[] = []
  #drawing: Drawing
  #view: View

  constructor(target: HTMLElement, system: MapSystem, colours: MarkColours, events: MapEvents) {
    this.#events = events
    this.#marks = new Marks(colours)
    this.#colours = colours
    register(DEGREES)
    this.#drawing = { system, latitude: 0 }
    this.#view = this.#newView()
    this.#map = new OlMap({
      target,
      view: this.#view,
      controls: [],
      interactions: interactions({ altShiftDragRotate: false, pinchRotate: false }),
      layers: [this.#marks.layer],
    })
    this.#listen(target)
  }

  dispose(): void {
    for (const layer of this.#layers.values()) layer.dispose()
    for (const overlay of this.#overlays) overlay.dispose()
    this.#map.setTarget(undefined)
    this.#map.dispose()
  }

  /** Views the same place at the same scale in another *system*. */
  use(system: MapSystem): void {
    if (system.code === this.#drawing.system.code) return
    this.#remake(system, this.place())
  }

  /** Draws exactly *drawn*, the uppermost first. */
  show(drawn: readonly DrawnLayer[]): void {
    this.#drawn = drawn
    const wanted = new Set(drawn.map((item) => item.collection))
    for (const collection of [...this.#layers.keys()]) if (!wanted.has(collection)) this.#remove(collection)
    drawn.forEach((item, index) => {
      const layer = this.#layers.get(item.collection) ?? this.#add(item)
      layer.update(item)
      layer.raise(drawn.length - index)
    })
  }

  /** Asks again for the tiles of one layer, or of all. */
  reload(collection?: string): void {
    for (const [name, layer] of this.#layers) if (collection === undefined || name === collection) layer.reload()
  }

  place(): ViewPlace {
    const centre = this.#degrees(this.#view.getCenter() ?? [0, 0])
    return { centre, scale: scaleAt(this.#resolution, this.#drawing.system, centre) }
  }

  go(place: ViewPlace, animated = false): void {
    if (this.#isFar(place.centre)) return this.#remake(this.#drawing.system, place)
    const { centre, scale } = place
    const to = { center: this.#coordinate(centre), resolution: resolutionAt(scale, this.#drawing.system, centre) }
    if (animated && !this.#still) this.#view.animate({ ...to, duration: MOVE_MS })
    else {
      this.#view.setResolution(to.resolution)
      this.#view.setCenter(to.center)
    }
  }

  fit(bounds: Bounds, animated = false): void {
    const middle: Position = [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2]
    if (this.#isFar(middle)) this.#remake(this.#drawing.system, { ...this.place(), centre: middle })
    const duration = animated && !this.#still ? MOVE_MS : 0
    const padding = Array<number>(4).fill(FIT_PADDING_PX)
    this.#map.updateSize()
    const extent = [...boxIn(bounds, DEGREES, this.#drawing.system)]
    this.#view.fit(extent, { padding, duration, minResolution: this.#zero / 2 ** FIT_ZOOM })
  }

  zoom(by: number): void {
    const resolution = this.#resolution / 2 ** by
    if (this.#still) this.#view.setResolution(resolution)
    else this.#view.animate({ resolution, duration: MOVE_MS })
  }

  /** Outlines one GeoJSON geometry (longitude, latitude), or nothing. */
  mark(geometry: unknown): void {
    this.#marks.set(geometry, this.#drawing.system)
  }

  /** Shows the marked geometry in the middle. */
  fitMark(): void {
    const { bounds } = this.#marks
    if (bounds) this.fit(bounds, true)
  }

  /** What a page puts above the layers; its maker comes along with the page. */
  overlay<T extends Overlay>(make: OverlayMaker<T>): T {
    const made = make(this.#map, this.#drawing.system, this.#colours)
    this.#overlays.push(made)
    return made
  }

  askAtCentre(): void {
    this.#ask(this.#view.getCenter() ?? [0, 0])
  }

  get #resolution(): number {
    return this.#view.getResolution() ?? this.#zero
  }

  get #zero(): number {
    return zeroResolution(this.#drawing.system, this.#drawing.latitude)
  }

  #degrees(coordinate: number[]): Position {
    const [longitude = 0, latitude = 0] = toLonLat(coordinate, projectionName(this.#drawing.system))
    return [longitude, latitude]
  }

  #coordinate(position: Position): number[] {
    return fromLonLat([...position], projectionName(this.#drawing.system))
  }

  #ask(coordinate: number[]): void {
    const { system } = this.#drawing
    const [x = 0, y = 0] = coordinate
    const half = REACH_PX * this.#resolution
    const place = placeIn([x, y], system, TILES[system.grid].system)
    const merged = [...this.#layers].filter(([, layer]) => layer.isMerged(place, this.#resolution))
    this.#events.asked({
      at: this.#degrees(coordinate),
      reach: boxIn([x - half, y - half, x + half, y + half], system, DEGREES),
      merged: new Set(merged.map(([collection]) => collection)),
    })
  }

  #settle(): void {
    const { system } = this.#drawing
    const [west = 0, south = 0, east = 0, north = 0] = this.#view.calculateExtent(this.#map.getSize())
    const box = boxIn([west, south, east, north], system, TILES[system.grid].system)
    for (const layer of this.#layers.values()) layer.settle(box, this.#resolution)
  }

  #add(drawn: DrawnLayer): TiledLayer {
    const layer = new TiledLayer(drawn, this.#drawing, (status) => this.#events.status(drawn.collection, status))
    this.#layers.set(drawn.collection, layer)
    for (const part of layer.parts) this.#map.addLayer(part)
    return layer
  }

  #remove(collection: string): void {
    const layer = this.#layers.get(collection)
    for (const part of layer?.parts ?? []) this.#map.removeLayer(part)
    layer?.dispose()
    this.#layers.delete(collection)
    this.#events.status(collection, IDLE)
  }

  /** A zone's zooms fit those of the other views about one latitude. */
  #isFar([, latitude]: Position): boolean {
    const { system, latitude: own } = this.#drawing
    return system.kind === 'zone' && Math.abs(latitude - own) > FAR_DEG
  }

  /** Another view: what is drawn in the one before is drawn anew. */
  #remake(system: MapSystem, place: ViewPlace): void {
    for (const collection of [...this.#layers.keys()]) this.#remove(collection)
    this.#drawing = { system, latitude: place.centre[1] }
    this.#view = this.#newView()
    this.#map.setView(this.#view)
    this.#marks.move(system)
    for (const overlay of this.#overlays) overlay.move(system)
    this.go(place)
    this.show(this.#drawn)
  }

  #newView(): View {
    const { system, latitude } = this.#drawing
    register(system)
    alignTiles(system, latitude)
    const projection = projectionName(system)
    const widest = system.kind === 'zone' ? ZONE_WIDEST_ZOOM : 0
    const view = new View({
      projection,
      center: this.#coordinate([system.zone?.meridian ?? 0, latitude]),
      resolution: this.#zero,
      minResolution: this.#zero / 2 ** DEEPEST_ZOOM,
      maxResolution: this.#zero / 2 ** widest,
      enableRotation: false,
      constrainOnlyCenter: true,
      ...(system.zone && { extent: extentOf(system) }),
    })
    // The scale changes with the latitude, too.
    view.on(['change:resolution', 'change:center'], () => this.#events.scale(this.place().scale))
    return view
  }

  #listen(target: HTMLElement): void {
    this.#map.on('rendercomplete', () => this.#settle())
    this.#map.on('moveend', () => this.#events.view(this.place()))
    this.#map.on('pointermove', (event) => this.#events.pointer(this.#degrees(event.coordinate)))
    // Not `singleclick`: it waits a quarter of a second for a second click.
    this.#map.on('click', (event) => this.#ask(event.coordinate))
    target.addEventListener('pointerleave', () => this.#events.pointer(null))
    target.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.target !== target) return
      event.preventDefault()
      this.askAtCentre()
    })
  }
}
