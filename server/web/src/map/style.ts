/** The server's MapLibre styles: read once, given to OpenLayers through `stylefunction` alone. */

import { asArray } from 'ol/color.js'
import type VectorLayer from 'ol/layer/Vector.js'
import type VectorTileLayer from 'ol/layer/VectorTile.js'
import Stroke from 'ol/style/Stroke.js'
import Style from 'ol/style/Style.js'
import { stylefunction } from 'ol-mapbox-style/stylefunction'

export interface LegendEntry {
  readonly title: string
  readonly fill: string | null
  readonly outline: string | null
  readonly hatch: boolean
  /** 0 to 1, of the fill. */
  readonly opacity: number
  /** Lengths of strokes and gaps; empty for a solid line. */
  readonly dash: readonly number[]
}

export interface ServerStyle {
  readonly document: object
  /** The colour of the hatch lines by place in the style's list of layers (`metadata["onemap:hatch"]`). */
  readonly hatches: ReadonlyMap<number, string>
  readonly legend: Readonly<Record<string, readonly LegendEntry[]>>
  /** Tile zoom range of each source, where the style says so. */
  readonly zooms: Readonly<Record<string, { readonly min: number; readonly max: number }>>
}

const DEEPEST = 18
/** Half of it within a neighbour: a pixel is 1.41 from corner to corner, and its edges are not sharp. */
const BED_PX = 2.5
/** Zooms 0 to 24 of styles. */
const STYLE_ZOOMS = 25

type Json = Readonly<Record<string, unknown>>
const record = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})
const textOrNull = (value: unknown): string | null => (typeof value === 'string' && value ? value : null)
const number = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise)

export function readStyle(value: unknown): ServerStyle {
  const document = record(value)
  const legends = Object.entries(record(record(document['metadata'])['onemap:legend']))
  const sources = Object.entries(record(document['sources']))
  return {
    document,
    hatches: readHatches(document['layers']),
    legend: Object.fromEntries(legends.map(([layer, items]) => [layer, readLegend(items)])),
    zooms: Object.fromEntries(
      sources.map(([name, source]) => {
        const { minzoom, maxzoom } = record(source)
        return [name, { min: number(minzoom, 0), max: number(maxzoom, DEEPEST) }]
      }),
    ),
  }
}

export function zoomsOf(style: ServerStyle, source: string): { readonly min: number; readonly max: number } {
  return style.zooms[source] ?? { min: 0, max: DEEPEST }
}

/**
 * Draws *layer* as the server's style says for *source*, without labels: a tile does not know its neighbours.
 * *zero* is the resolution of zoom 0 in the units of the view.
 */
export function draw(layer: VectorTileLayer, style: ServerStyle, source: string, zero: number): void {
  const shown = only(style.document, (type) => type !== 'symbol')
  const styles = stylefunction(layer, shown, source, resolutions(zero), undefined, undefined, systemFonts)
  layer.setStyle((feature, resolution) => finished(styles(feature, resolution), style.hatches))
}

/** Writes the labels alone. */
export function drawLabels(layer: VectorLayer, style: ServerStyle, source: string, zero: number): void {
  const shown = only(style.document, (type) => type === 'symbol')
  stylefunction(layer, shown, source, resolutions(zero), undefined, undefined, systemFonts)
}

/** The zoom from which on *source* has labels; null: it has none. */
export function labelZoom({ document }: ServerStyle, source: string): number | null {
  const zooms = partsOf(document)
    .filter((part) => part['type'] === 'symbol' && part['source'] === source)
    .map((part) => number(part['minzoom'], 0))
  return zooms.length ? Math.min(...zooms) : null
}

const resolutions = (zero: number): number[] => Array.from({ length: STYLE_ZOOMS }, (_, zoom) => zero / 2 ** zoom)

/** Fonts are the system's: none is ever loaded. */
const systemFonts = (fonts: string[]): string[] => fonts

const partsOf = (document: object): readonly Json[] => {
  const layers = record(document)['layers']
  return Array.isArray(layers) ? layers.map(record) : []
}

/** The other parts stay, hidden: the place in the list is the order of drawing. */
function only(document: object, wanted: (type: unknown) => boolean): object {
  const hidden = { visibility: 'none' }
  const layers = partsOf(document).map((part) => (wanted(part['type']) ? part : { ...part, layout: hidden }))
  return { ...document, layers }
}

/** How one feature is drawn on this canvas. MapLibre hatches with a sprite; we need none: the fill is a pattern. */
function finished(styles: void | Style | Style[], hatches: ReadonlyMap<number, string>): Style[] {
  const list = Array.isArray(styles) ? styles : styles ? [styles] : []
  const grounds = list.map((style) => style.getFill()?.getColor()).filter((ground) => typeof ground === 'string')
  for (const style of list) {
    const line = hatches.get(style.getZIndex() ?? -1)
    const fill = style.getFill()
    const ground = fill?.getColor()
    if (line && fill && typeof ground === 'string') fill.setColor(pattern(ground, line))
  }
  return [...grounds.filter(isOpaque).map(bed), ...list]
}

const beds = new Map<string, Style>()

/**
 * A line along the edge of an area that covers, beneath all areas: where two of them meet, each fills a share of the
 * pixels between them, and the ground of the map would show through the rest.
 */
function bed(colour: string): Style {
  const style = beds.get(colour) ?? new Style({ stroke: new Stroke({ color: colour, width: BED_PX }), zIndex: -1 })
  beds.set(colour, style)
  return style
}

const isOpaque = (colour: string): boolean => asArray(colour)[3] === 1

const patterns = new Map<string, CanvasPattern | string>()
const HATCH_PX = 8

/** Lines of one colour over whatever lies beneath; heavy ones for what is pointed at. */
export const hatching = (line: string, heavy: boolean): CanvasPattern | string => pattern('transparent', line, heavy ? 2 : 1)

function pattern(ground: string, line: string, width = 1): CanvasPattern | string {
  const key = `${ground} ${line} ${width}`
  const made = patterns.get(key) ?? paint(ground, line, width)
  patterns.set(key, made)
  return made
}

function paint(ground: string, line: string, width: number): CanvasPattern | string {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = HATCH_PX
  const context = canvas.getContext('2d')
  if (!context) return ground
  context.fillStyle = ground
  context.fillRect(0, 0, HATCH_PX, HATCH_PX)
  context.strokeStyle = line
  context.lineWidth = width
  context.beginPath()
  for (const shift of [-HATCH_PX, 0, HATCH_PX]) {
    context.moveTo(shift, HATCH_PX)
    context.lineTo(shift + HATCH_PX, 0)
  }
  context.stroke()
  return context.createPattern(canvas, 'repeat') ?? ground
}

function readHatches(layers: unknown): ReadonlyMap<number, string> {
  const colours = (Array.isArray(layers) ? layers : []).map((layer) =>
    textOrNull(record(record(layer)['metadata'])['onemap:hatch']),
  )
  return new Map(colours.flatMap((colour, place) => (colour ? [[place, colour] as const] : [])))
}

function readLegend(value: unknown): readonly LegendEntry[] {
  if (!Array.isArray(value)) return []
  return value.map((item) => {
    const json = record(item)
    return {
      title: textOrNull(json['title']) ?? '',
      fill: textOrNull(json['fill']),
      outline: textOrNull(json['outline']),
      hatch: json['hatch'] === true,
      opacity: number(json['opacity'], 1),
      dash: Array.isArray(json['dash']) ? json['dash'].filter((part): part is number => typeof part === 'number') : [],
    }
  })
}
