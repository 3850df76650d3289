/** What the map is asked when somebody points at a place: the features of each shown layer there. */

import type { Bounds } from '../../domain/catalogue'
import type { Position } from '../../domain/coordinate'

/** Most features listed per layer; the answer says when there are more. */
export const LIMIT = 20

/** Half a window for lines and points, pixels: what a hand can hit. */
export const REACH_PX = 6

/** A place of the map that is asked about. */
export interface Asked {
  readonly at: Position
  /** What a hand can hit around it, in degrees. */
  readonly reach: Bounds
  /** The collections of which the map shows areas of one class there, not features. */
  readonly merged: ReadonlySet<string>
}

/** Half a window for areas, degrees: a tenth of a millimetre on the ground, so that only what covers the point answers. */
const POINT_DEG = 1e-9

/** The window to ask for: for areas the very place, for lines and points what a hand can hit. */
export function windowAround({ at: [longitude, latitude], reach }: Asked, geometry: string): Bounds {
  const isArea = geometry.toLowerCase().includes('polygon')
  const [west, south, east, north] = isArea
    ? [longitude - POINT_DEG, latitude - POINT_DEG, longitude + POINT_DEG, latitude + POINT_DEG]
    : reach
  const exact = (value: number): number => Number(value.toFixed(10))
  return [exact(west), exact(south), exact(east), exact(north)]
}
