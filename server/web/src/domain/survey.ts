/** What a surveyor's file was found to hold before it is checked: its zone, its faults. */

import type { Bounds } from './catalogue'
import type { Titled } from './check'

export interface ZoneOffer {
  readonly crs: string
  readonly name: string
  readonly zone: number | null
  readonly meridian: number | null
  readonly bounds: Bounds | null
  /** The outlines of the parcels in it; null: only the bounds are told. */
  readonly outline: unknown
  readonly region: Titled | null
  /** Fits only once X and Y are exchanged. */
  readonly swapped: boolean
}

export interface SurveyFinding {
  readonly fault: string
  readonly isError: boolean
  readonly parcel: number | null
  readonly ring: number | null
  readonly point: string | null
  readonly line: number | null
  readonly message: Titled
}

export interface Survey {
  readonly format: string
  readonly layer: string
  /** Null: not stated, or contradicted. */
  readonly crs: string | null
  readonly refusal: string | null
  readonly zones: readonly ZoneOffer[]
  readonly isLocalFrame: boolean
  readonly parcels: number
  readonly readable: number
  readonly findings: readonly SurveyFinding[]
  readonly leftOut: number
}

/** The box of *bounds* as a geometry to draw. */
export function boxOf([west, south, east, north]: Bounds): unknown {
  const ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
  return { type: 'Polygon', coordinates: [ring] }
}

/** What is drawn of a zone: the parcels where they are told, else their box. */
export const outlineOf = ({ outline, bounds }: ZoneOffer): unknown => outline ?? (bounds && boxOf(bounds))

/** A zone must be chosen before the file means anything. */
export const asksZone = ({ crs, zones }: Survey): boolean => crs === null && zones.length > 0
