/** Zooms of styles and tiles, and from which scale on a layer has tiles. */

import type { Layer } from '../domain/catalogue'
import { scaleAt } from './scale'
import { zoomsOf, type ServerStyle } from './style'

/** Metres of Web Mercator per pixel where a tile of 512 pixels is the whole world: zoom 0 of MapLibre styles. */
export const WORLD_RESOLUTION = 78271.51696402048

/** The zoom of MapLibre styles, a fraction between two of them. */
export function zoomAt(resolution: number): number {
  return Math.log2(WORLD_RESOLUTION / resolution)
}

/** The largest scale denominator at which *layer* is drawn; null: at every one. */
export function smallestScale(style: ServerStyle, layer: Layer): number | null {
  const { min } = zoomsOf(style, layer.id)
  const latitude = layer.bounds ? (layer.bounds[1] + layer.bounds[3]) / 2 : 0
  return min === 0 ? null : scaleAt(WORLD_RESOLUTION / 2 ** min, latitude)
}
