/** From which scale on a layer has tiles. */

import type { Layer } from '../domain/catalogue'
import { scaleAt } from './scale'
import { zoomsOf, type ServerStyle } from './style'
import { MERCATOR, zeroResolution } from './systems'

/** The largest scale denominator at which *layer* is drawn; null: at every one. The same in all views. */
export function smallestScale(style: ServerStyle, layer: Layer): number | null {
  const { min } = zoomsOf(style, layer.id)
  const latitude = layer.bounds ? (layer.bounds[1] + layer.bounds[3]) / 2 : 0
  return min === 0 ? null : scaleAt(zeroResolution(MERCATOR, latitude) / 2 ** min, MERCATOR, [0, latitude])
}
