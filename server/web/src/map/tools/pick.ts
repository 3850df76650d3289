/** What the map is asked when somebody points at a place: the features of each shown layer there. */

import type { Bounds } from '../../domain/catalogue'
import type { Position } from '../../domain/coordinate'

/** Most features listed per layer; the answer says when there are more. */
export const LIMIT = 20

/** Half a window for areas, degrees: a tenth of a millimetre on the ground, so that only what covers the point answers. */
const POINT_DEG = 1e-9
/** Half a window for lines and points, pixels: what a hand can hit. */
const REACH_PX = 6
/** Projected metres of the Web Mercator view in one degree of longitude. */
const METRES_PER_DEGREE = (Math.PI * 6_378_137) / 180

/** The window to ask for around *position*: *resolution* is the view's, in projected metres per pixel. */
export function windowAround([longitude, latitude]: Position, resolution: number, geometry: string): Bounds {
  const isArea = geometry.toLowerCase().includes('polygon')
  const half = isArea ? POINT_DEG : (REACH_PX * resolution) / METRES_PER_DEGREE
  const narrowing = isArea ? 1 : Math.cos((latitude * Math.PI) / 180)
  const exact = (value: number): number => Number(value.toFixed(10))
  return [
    exact(longitude - half),
    exact(latitude - half * narrowing),
    exact(longitude + half),
    exact(latitude + half * narrowing),
  ]
}
