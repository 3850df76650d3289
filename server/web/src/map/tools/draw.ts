/** Shapes drawn by hand: each click a position, a double click or the first position again ends a shape. */

import Feature from 'ol/Feature.js'
import GeoJSON from 'ol/format/GeoJSON.js'
import Draw from 'ol/interaction/Draw.js'
import type Interaction from 'ol/interaction/Interaction.js'
import Modify from 'ol/interaction/Modify.js'
import Snap from 'ol/interaction/Snap.js'
import VectorLayer from 'ol/layer/Vector.js'
import type OlMap from 'ol/Map.js'
import VectorSource from 'ol/source/Vector.js'
import type { Drawn } from '../../domain/geometry'
import type { Shape } from '../../domain/process'
import { markStyle, type MarkColours } from '../marks'
import { projectionName } from '../projections'
import { DEGREES, type MapSystem } from '../systems'

const ABOVE_ALL = 1001
/** About a millimetre. */
const DECIMALS = 8

export class Sketch {
  readonly #map: OlMap
  readonly #changed: (shapes: readonly Drawn[]) => void
  readonly #style: ReturnType<typeof markStyle>
  readonly #source = new VectorSource()
  readonly #layer: VectorLayer
  #tools: readonly Interaction[] = []
  #draw: Draw | null = null
  #shapes: readonly Drawn[] = []
  #system: MapSystem

  constructor(map: OlMap, system: MapSystem, colours: MarkColours, changed: (shapes: readonly Drawn[]) => void) {
    this.#map = map
    this.#system = system
    this.#changed = changed
    this.#style = markStyle(colours)
    this.#layer = new VectorLayer({ source: this.#source, style: this.#style, zIndex: ABOVE_ALL })
    map.addLayer(this.#layer)
  }

  /** Draws shapes of this kind from now on; nothing where it is null. */
  use(shape: Shape | null): void {
    for (const tool of this.#tools) this.#map.removeInteraction(tool)
    this.#tools = []
    this.#draw = null
    if (shape === null) return
    this.#draw = new Draw({ source: this.#source, type: shape, style: this.#style })
    const modify = new Modify({ source: this.#source, style: this.#style })
    // After the drawn one has joined the others.
    this.#draw.on('drawend', () => queueMicrotask(() => this.#tell()))
    modify.on('modifyend', () => this.#tell())
    this.#tools = [modify, this.#draw, new Snap({ source: this.#source })]
    for (const tool of this.#tools) this.#map.addInteraction(tool)
  }

  /** Shows exactly *shapes*. */
  set(shapes: readonly Drawn[]): void {
    if (shapes === this.#shapes) return
    this.#shapes = shapes
    this.#paint()
  }

  /** Takes back the last position of the shape under way. */
  undo(): void {
    this.#draw?.removeLastPoint()
  }

  /** Ends the shape under way with the positions it has. */
  finish(): void {
    this.#draw?.finishDrawing()
  }

  /** Gives up the shape under way. */
  abort(): void {
    this.#draw?.abortDrawing()
  }

  /** The same in another system of the view. */
  move(system: MapSystem): void {
    this.#system = system
    this.#paint()
  }

  dispose(): void {
    this.use(null)
    this.#map.removeLayer(this.#layer)
    this.#layer.dispose()
  }

  #paint(): void {
    const drawn = this.#shapes.flatMap((shape) => {
      const geometry = new GeoJSON().readGeometry(shape, this.#projections)
      return geometry ? [new Feature(geometry)] : []
    })
    this.#source.clear()
    this.#source.addFeatures(drawn)
  }

  #tell(): void {
    const format = new GeoJSON()
    this.#shapes = this.#source.getFeatures().flatMap((feature) => {
      const geometry = feature.getGeometry()
      if (!geometry) return []
      return [format.writeGeometryObject(geometry, { ...this.#projections, decimals: DECIMALS }) as Drawn]
    })
    this.#changed(this.#shapes)
  }

  get #projections() {
    return { dataProjection: projectionName(DEGREES), featureProjection: projectionName(this.#system) }
  }
}
