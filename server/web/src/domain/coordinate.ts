/** CGCS2000 longitude and latitude in degrees (EPSG:4490), longitude first; the text forms people read and type. */

export type Position = readonly [longitude: number, latitude: number]

/** Six decimals of a degree are about 0.1 m on the ground. */
const DECIMALS = 6

export function formatPosition([longitude, latitude]: Position): string {
  const east = `${Math.abs(longitude).toFixed(DECIMALS)}°${longitude < 0 ? 'W' : 'E'}`
  const north = `${Math.abs(latitude).toFixed(DECIMALS)}°${latitude < 0 ? 'S' : 'N'}`
  return `${east} ${north}`
}

const PART = String.raw`(\d+(?:\.\d+)?)\s*°?\s*`
const LETTERS = new RegExp(`^\\s*${PART}([EW])[\\s,，]*${PART}([NS])\\s*$`, 'i')
const PLAIN = /^\s*(-?\d+(?:\.\d+)?)\s*[,，\s]\s*(-?\d+(?:\.\d+)?)\s*$/

/** Reads `125.324160°E 43.886530°N` or `125.32416, 43.88653` (longitude first); null when it is neither. */
export function parsePosition(text: string): Position | null {
  const letters = LETTERS.exec(text)
  const plain = PLAIN.exec(text)
  const longitude = letters ? signed(letters[1], letters[2], 'W') : Number(plain?.[1] ?? NaN)
  const latitude = letters ? signed(letters[3], letters[4], 'S') : Number(plain?.[2] ?? NaN)
  return isPosition(longitude, latitude) ? [longitude, latitude] : null
}

export function isPosition(longitude: number, latitude: number): boolean {
  return Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90
}

function signed(digits: string | undefined, letter: string | undefined, negative: string): number {
  return Number(digits) * (letter?.toUpperCase() === negative ? -1 : 1)
}
