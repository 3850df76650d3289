/** CGCS2000 longitude and latitude in degrees (EPSG:4490), longitude first; the text forms people read and type. */

import { planeOf, positionOf, zoneOf, type Zone } from './zone'

export type Position = readonly [longitude: number, latitude: number]

/** How degrees are written: as a decimal fraction, or in minutes and seconds. */
export type DegreeForm = 'decimal' | 'sexagesimal'

/** Six decimals of a degree are about 0.1 m on the ground, three of a second 0.03 m. */
const DECIMALS = 6
const SECOND_DECIMALS = 3
const PLANE_DECIMALS = 2

export function formatPosition([longitude, latitude]: Position, form: DegreeForm = 'decimal'): string {
  const write = form === 'decimal' ? decimal : sexagesimal
  return `${write(longitude)}${longitude < 0 ? 'W' : 'E'} ${write(latitude)}${latitude < 0 ? 'S' : 'N'}`
}

/** `X 4861436.64 Y 42445690.19`: northing, then easting with the number of *zone* before it; metres. */
export function formatPlane(position: Position, zone: Zone): string {
  const { x, y } = planeOf(position, zone)
  return `X ${x.toFixed(PLANE_DECIMALS)} Y ${y.toFixed(PLANE_DECIMALS)}`
}

const NUMBER = String.raw`(\d+(?:\.\d+)?)`
const PART = String.raw`${NUMBER}\s*°?\s*(?:${NUMBER}\s*['′’]\s*(?:${NUMBER}\s*["″”]\s*)?)?`
const LETTERS = new RegExp(`^\\s*${PART}([EW])[\\s,，]*${PART}([NS])\\s*$`, 'i')
const PLAIN = /^\s*(-?\d+(?:\.\d+)?)\s*[,，\s]\s*(-?\d+(?:\.\d+)?)\s*$/
/** A northing of up to seven digits, an easting of eight: no pair of degrees looks like that. */
const PLANE = /^\s*X?\s*[=:：]?\s*(\d{5,7}(?:\.\d+)?)\s*[,，\s]\s*Y?\s*[=:：]?\s*((\d{2})\d{6}(?:\.\d+)?)\s*$/i

/**
 * Reads `125.324160°E 43.886530°N`, the same in minutes and seconds, `125.32416, 43.88653` (longitude first) or the
 * plane of a 3-degree zone (X, then Y with the zone's number); null when it is none.
 */
export function parsePosition(text: string): Position | null {
  const plane = PLANE.exec(text)
  if (plane) return parsePlane(plane)
  const letters = LETTERS.exec(text)
  const plain = PLAIN.exec(text)
  const longitude = letters ? signed(letters.slice(1, 4), letters[4], 'W') : Number(plain?.[1] ?? NaN)
  const latitude = letters ? signed(letters.slice(5, 8), letters[8], 'S') : Number(plain?.[2] ?? NaN)
  return isPosition(longitude, latitude) ? [longitude, latitude] : null
}

export function isPosition(longitude: number, latitude: number): boolean {
  return Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90
}

function parsePlane([, x, y, number]: RegExpExecArray): Position | null {
  const zone = zoneOf(Number(number))
  if (!zone) return null
  const [longitude, latitude] = positionOf({ zone, x: Number(x), y: Number(y) })
  return isPosition(longitude, latitude) ? [longitude, latitude] : null
}

const decimal = (angle: number): string => `${Math.abs(angle).toFixed(DECIMALS)}°`

/** Rounded once, as a whole: no 60 seconds. */
function sexagesimal(angle: number): string {
  const unit = 10 ** SECOND_DECIMALS
  const whole = Math.round(Math.abs(angle) * 3600 * unit)
  const seconds = (whole % (60 * unit)) / unit
  const minutes = Math.floor(whole / (60 * unit))
  const two = (value: string, length: number): string => value.padStart(length, '0')
  return `${Math.floor(minutes / 60)}°${two(String(minutes % 60), 2)}′${two(seconds.toFixed(SECOND_DECIMALS), 6)}″`
}

/** Degrees of at most three parts; minutes and seconds of 60 and more are none. */
function signed(parts: readonly (string | undefined)[], letter: string | undefined, negative: string): number {
  const [degrees = NaN, minutes = 0, seconds = 0] = parts.map((part) => (part === undefined ? undefined : Number(part)))
  if (minutes >= 60 || seconds >= 60) return NaN
  return (degrees + minutes / 60 + seconds / 3600) * (letter?.toUpperCase() === negative ? -1 : 1)
}
