/** From which scale on a layer has tiles. */

import type { Layer } from '../domain/catalogue'
import { scaleAt } from './scale'
import { zoomsOf, type ServerStyle } from './style'

const WORLD_RESOLUTION = 78271.51696402048

/** The largest scale denominator at which *layer* is drawn; null: at every one. */
export function smallestScale(style: ServerStyle, layer: Layer): number | null {
  const { min } = zoomsOf(style, layer.id)
  const latitude = layer.bounds ? (layer.bounds[1] + layer.bounds[3]) / 2 : 0
  return min === 0 ? null : scaleAt(WORLD_RESOLUTION / 2 ** min, latitude)
}
