/** The reference systems of a view: degrees, a 3-degree zone, Web Mercator. Pure: OpenLayers is elsewhere. */

import type { Position } from '../domain/coordinate'
import { metresPerDegreeEast, RADIANS, SEMI_MAJOR_M } from '../domain/ellipsoid'
import { toPlane } from '../domain/gaussKruger'
import { zoneByCode, type Zone } from '../domain/zone'

/** The grid of our tiles, by its name in the API. */
export type TileGridName = 'CGCS2000Quad' | 'WebMercatorQuad'

export interface MapSystem {
  /** The EPSG code, as the address has it. */
  readonly code: string
  readonly kind: 'degrees' | 'zone' | 'mercator'
  readonly zone: Zone | null
  /** The tiles it is drawn from; those of a zone are reprojected. */
  readonly grid: TileGridName
}

export const DEGREES: MapSystem = { code: '4490', kind: 'degrees', zone: null, grid: 'CGCS2000Quad' }
export const MERCATOR: MapSystem = { code: '3857', kind: 'mercator', zone: null, grid: 'WebMercatorQuad' }

export const zoneSystem = (zone: Zone): MapSystem => ({
  code: String(zone.code),
  kind: 'zone',
  zone,
  grid: 'CGCS2000Quad',
})

/** The system of an EPSG code as written in an address; null where we have no such view. */
export function systemOf(code: string): MapSystem | null {
  if (code === DEGREES.code) return DEGREES
  if (code === MERCATOR.code) return MERCATOR
  const zone = /^\d{4}$/.test(code) ? zoneByCode(Number(code)) : null
  return zone && zoneSystem(zone)
}

/** Pixels of a tile side as MapLibre styles count zooms: the whole world is one tile at zoom 0. */
export const TILE_PX = 512
const DEGREES_ZERO = 360 / TILE_PX
const MERCATOR_ZERO = DEGREES_ZERO * RADIANS * SEMI_MAJOR_M
/** Nearer the pole the parallels shrink beyond use, and no zone of ours reaches there. */
const HIGHEST_DEG = 59

/**
 * The resolution (units of the view per pixel) of zoom 0 of styles and tiles. A zone has that of the other views at
 * *latitude*, so that one scale looks alike in all: the same tiles, widths and labels.
 */
export function zeroResolution({ kind }: MapSystem, latitude: number): number {
  if (kind === 'degrees') return DEGREES_ZERO
  if (kind === 'mercator') return MERCATOR_ZERO
  return MERCATOR_ZERO * Math.cos(Math.min(Math.abs(latitude), HIGHEST_DEG) * RADIANS)
}

/** The zoom of styles at *resolution*, a fraction between two of them. */
export const zoomAt = (resolution: number, zero: number): number => Math.log2(zero / resolution)

/** Metres on the ground, along the parallel, in one unit of the view at *place*. */
export function groundUnit({ kind, zone }: MapSystem, [longitude, latitude]: Position): number {
  const degree = metresPerDegreeEast(latitude)
  if (kind === 'degrees') return degree
  if (kind === 'mercator' || !zone) return degree / (RADIANS * SEMI_MAJOR_M)
  const step = 1e-4
  const [west, east] = [-step, step].map((by) => toPlane(longitude + by, latitude, zone.meridian))
  const inPlane = Math.hypot((east?.[0] ?? 0) - (west?.[0] ?? 0), (east?.[1] ?? 0) - (west?.[1] ?? 0))
  return inPlane > 0 ? (2 * step * degree) / inPlane : 1
}
