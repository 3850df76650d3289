/** The 3-degree zones of CGCS2000: EPSG:4513 to 4533 with their number before the easting, 4534 to 4554 without. */

import type { Bounds } from './catalogue'
import type { Position } from './coordinate'
import { toDegrees, toPlane } from './gaussKruger'

export interface Zone {
  /** 25 to 45: the central meridian is three times as much. */
  readonly number: number
  readonly meridian: number
  /** The EPSG code. */
  readonly code: number
  readonly falseEasting: number
}

/** Northing X and easting Y, as Chinese surveyors name them; Y begins with the zone's number. */
export interface Plane {
  readonly zone: Zone
  readonly x: number
  readonly y: number
}

const [FIRST, LAST] = [25, 45]
const PREFIXED = 4513
const PLAIN = 4534
const FALSE_EASTING_M = 500_000
const PREFIX_M = 1_000_000

/** The zone by its number, its codes with the number before the easting. */
export function zoneOf(number: number): Zone | null {
  if (!Number.isInteger(number) || number < FIRST || number > LAST) return null
  return made(number, PREFIXED + number - FIRST)
}

export function zoneByCode(code: number): Zone | null {
  if (code >= PREFIXED && code < PLAIN) return zoneOf(FIRST + code - PREFIXED)
  return zoneOf(FIRST + code - PLAIN) && made(FIRST + code - PLAIN, code)
}

/** The zone whose strip of three degrees holds *longitude*; null outside of all. */
export const zoneAt = (longitude: number): Zone | null => zoneOf(Math.round(longitude / 3))

/** The zones that *bounds* reach into, from the west. */
export function zonesIn([west, , east]: Bounds): readonly Zone[] {
  const first = Math.max(FIRST, Math.round(west / 3))
  const last = Math.min(LAST, Math.round(east / 3))
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => zoneOf(first + index)).flatMap(
    (zone) => zone ?? [],
  )
}

export function planeOf([longitude, latitude]: Position, zone: Zone): Plane {
  const [east, north] = toPlane(longitude, latitude, zone.meridian)
  return { zone, x: north, y: east + FALSE_EASTING_M + zone.number * PREFIX_M }
}

export function positionOf({ zone, x, y }: Plane): Position {
  return toDegrees(y - FALSE_EASTING_M - zone.number * PREFIX_M, x, zone.meridian)
}

function made(number: number, code: number): Zone {
  const falseEasting = FALSE_EASTING_M + (code < PLAIN ? number * PREFIX_M : 0)
  return { number, meridian: number * 3, code, falseEasting }
}
