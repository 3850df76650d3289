/** What of a parcel is in conflict: hatched and named, over any statutory colour; outlines of other parcels, thin. */

import Feature from 'ol/Feature.js'
import GeoJSON from 'ol/format/GeoJSON.js'
import type Geometry from 'ol/geom/Geometry.js'
import MultiPolygon from 'ol/geom/MultiPolygon.js'
import Polygon from 'ol/geom/Polygon.js'
import VectorLayer from 'ol/layer/Vector.js'
import type OlMap from 'ol/Map.js'
import VectorSource from 'ol/source/Vector.js'
import Fill from 'ol/style/Fill.js'
import Stroke from 'ol/style/Stroke.js'
import Style from 'ol/style/Style.js'
import Text from 'ol/style/Text.js'
import type { MarkColours } from './marks'
import { projectionName } from './projections'
import { hatching } from './style'
import { DEGREES, type MapSystem } from './systems'

export interface MapPiece {
  /** Whatever is pointed at by this name is raised together. */
  readonly key: string
  readonly label: string
  /** GeoJSON, longitude and latitude. */
  readonly geometry: unknown
}

export interface Scene {
  readonly outlines: readonly unknown[]
  readonly pieces: readonly MapPiece[]
}

const BELOW_MARKS = 990
const FONT = '600 12px sans-serif'
const RAISED = 'raised'

export class Pieces {
  readonly #map: OlMap
  readonly #source = new VectorSource()
  readonly #layer: VectorLayer
  readonly #colours: MarkColours
  #scene: Scene = { outlines: [], pieces: [] }
  #system: MapSystem

  constructor(map: OlMap, system: MapSystem, colours: MarkColours) {
    this.#map = map
    this.#system = system
    this.#colours = colours
    this.#layer = new VectorLayer({ source: this.#source, style: (feature) => this.#style(feature), zIndex: BELOW_MARKS, declutter: true })
    map.addLayer(this.#layer)
  }

  set(scene: Scene): void {
    this.#scene = scene
    const projections = { dataProjection: projectionName(DEGREES), featureProjection: projectionName(this.#system) }
    const drawn = (geometry: unknown, properties: object): Feature[] => {
      const read = geometry ? new GeoJSON().readGeometry(geometry, projections) : null
      return read ? [new Feature({ ...properties, geometry: read })] : []
    }
    this.#source.clear()
    this.#source.addFeatures([
      ...scene.outlines.flatMap((geometry) => drawn(geometry, {})),
      ...scene.pieces.flatMap(({ key, label, geometry }) => drawn(geometry, { key, label })),
    ])
  }

  /** Raises the pieces of *key*; none where it is null. */
  raise(key: string | null): void {
    for (const feature of this.#source.getFeatures())
      feature.set(RAISED, key !== null && feature.get('key') === key)
  }

  /** Draws the same in another system of the view. */
  move(system: MapSystem): void {
    this.#system = system
    this.set(this.#scene)
  }

  dispose(): void {
    this.#map.removeLayer(this.#layer)
    this.#layer.dispose()
  }

  #style(feature: { get: (name: string) => unknown }): Style[] {
    const { line, casing } = this.#colours
    const stroke = (color: string, width: number): Stroke => new Stroke({ color, width, lineJoin: 'round' })
    if (feature.get('key') === undefined)
      return [new Style({ stroke: stroke(casing, 3.5) }), new Style({ stroke: stroke(line, 1.5) })]
    const isRaised = feature.get(RAISED) === true
    const label = feature.get('label')
    return [
      new Style({ stroke: stroke(casing, isRaised ? 9 : 4) }),
      new Style({
        zIndex: isRaised ? 1 : 0,
        fill: new Fill({ color: hatching(line, isRaised) }),
        stroke: stroke(line, isRaised ? 4 : 1.5),
      }),
      new Style({
        zIndex: 2,
        geometry: (named) => labelPlace(named.getGeometry()),
        text: new Text({
          text: typeof label === 'string' ? label : '',
          font: FONT,
          overflow: true,
          fill: new Fill({ color: line }),
          stroke: stroke(casing, 4),
        }),
      }),
    ]
  }
}

/** One name for all parts: within the largest of them. */
function labelPlace(geometry: unknown): Geometry | undefined {
  if (geometry instanceof Polygon) return geometry.getInteriorPoint()
  if (!(geometry instanceof MultiPolygon)) return undefined
  const [largest] = geometry.getPolygons().sort((a, b) => b.getArea() - a.getArea())
  return largest?.getInteriorPoint()
}
