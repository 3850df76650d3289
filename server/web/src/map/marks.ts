/** The outline of the selected feature, above all layers. */

import Feature from 'ol/Feature.js'
import GeoJSON from 'ol/format/GeoJSON.js'
import VectorLayer from 'ol/layer/Vector.js'
import VectorSource from 'ol/source/Vector.js'
import CircleStyle from 'ol/style/Circle.js'
import Fill from 'ol/style/Fill.js'
import Stroke from 'ol/style/Stroke.js'
import Style from 'ol/style/Style.js'
import type { Bounds } from '../domain/catalogue'
import { projectionName } from './projections'
import { DEGREES, type MapSystem } from './systems'

export interface MarkColours {
  readonly line: string
  readonly casing: string
}

const ABOVE_ALL = 1000

export class Marks {
  readonly layer: VectorLayer
  readonly #source = new VectorSource()
  #geometry: unknown = null

  constructor(colours: MarkColours) {
    this.layer = new VectorLayer({ source: this.#source, style: markStyle(colours), zIndex: ABOVE_ALL })
  }

  /** Outlines one GeoJSON geometry (longitude, latitude), or nothing, in a view of *system*. */
  set(geometry: unknown, system: MapSystem): void {
    this.#geometry = geometry
    this.#source.clear()
    if (!geometry) return
    const projections = { dataProjection: projectionName(DEGREES), featureProjection: projectionName(system) }
    const drawn = new GeoJSON().readGeometry(geometry, projections)
    if (drawn) this.#source.addFeature(new Feature(drawn))
  }

  /** Draws the same in another system. */
  move(system: MapSystem): void {
    this.set(this.#geometry, system)
  }

  /** In degrees; null where nothing is marked. */
  get bounds(): Bounds | null {
    const marked = this.#geometry ? new GeoJSON().readGeometry(this.#geometry) : null
    if (!marked) return null
    const [west = 0, south = 0, east = 0, north = 0] = marked.getExtent()
    return [west, south, east, north]
  }
}

/** A 3 px dark line in a white casing: readable over every statutory colour, and itself none of them. */
export function markStyle({ line, casing }: MarkColours): Style[] {
  const stroke = (color: string, width: number): Stroke => new Stroke({ color, width, lineJoin: 'round' })
  const point = new CircleStyle({ radius: 7, fill: new Fill({ color: casing }), stroke: stroke(line, 3) })
  return [new Style({ stroke: stroke(casing, 7) }), new Style({ stroke: stroke(line, 3), image: point })]
}
