/**
 * The Gauss-Krüger projection of CGCS2000 about one meridian, scale 1, without false easting.
 *
 * Krüger's series in the third flattening to its fourth power, summed by Clenshaw's recurrence in complex numbers
 * (C. F. F. Karney, Transverse Mercator with an accuracy of a few nanometers, 2011): far below a millimetre within
 * 40 degrees of the meridian. Degrees in and out, metres east and north.
 */

import { ECCENTRICITY, RADIANS, SEMI_MAJOR_M, THIRD as n } from './ellipsoid'

export type Pair = readonly [x: number, y: number]

/** Beyond this the plane means nothing, but its numbers must stay finite. */
const FARTHEST_DEG = 80

const RECTIFYING_M = (SEMI_MAJOR_M / (1 + n)) * (1 + n ** 2 / 4 + n ** 4 / 64)
const FORWARD = [
  n / 2 - (2 / 3) * n ** 2 + (5 / 16) * n ** 3 + (41 / 180) * n ** 4,
  (13 / 48) * n ** 2 - (3 / 5) * n ** 3 + (557 / 1440) * n ** 4,
  (61 / 240) * n ** 3 - (103 / 140) * n ** 4,
  (49561 / 161280) * n ** 4,
]
const BACK = [
  n / 2 - (2 / 3) * n ** 2 + (37 / 96) * n ** 3 - (1 / 360) * n ** 4,
  (1 / 48) * n ** 2 + (1 / 15) * n ** 3 - (437 / 1440) * n ** 4,
  (17 / 480) * n ** 3 - (37 / 840) * n ** 4,
  (4397 / 161280) * n ** 4,
].map((term) => -term)
/** From conformal to geographic latitude. */
const LATITUDE = [
  2 * n - (2 / 3) * n ** 2 - 2 * n ** 3 + (116 / 45) * n ** 4,
  (7 / 3) * n ** 2 - (8 / 5) * n ** 3 - (227 / 45) * n ** 4,
  (56 / 15) * n ** 3 - (136 / 35) * n ** 4,
  (4279 / 630) * n ** 4,
]

/** Metres east of the meridian and north of the equator. */
export function toPlane(longitude: number, latitude: number, meridian: number): Pair {
  const away = within(longitude - meridian, FARTHEST_DEG) * RADIANS
  const sine = Math.sin(within(latitude, 89.9999) * RADIANS)
  const conformal = Math.sinh(Math.atanh(sine) - ECCENTRICITY * Math.atanh(ECCENTRICITY * sine))
  const cosine = Math.cos(away)
  const north = Math.atan2(conformal, cosine)
  const east = Math.asinh(Math.sin(away) / Math.hypot(conformal, cosine))
  const [more, wider] = sum(FORWARD, north, east)
  return [RECTIFYING_M * (east + wider), RECTIFYING_M * (north + more)]
}

/** Longitude and latitude of a point *x* metres east of the meridian and *y* north of the equator. */
export function toDegrees(x: number, y: number, meridian: number): Pair {
  const [less, narrower] = sum(BACK, y / RECTIFYING_M, x / RECTIFYING_M)
  const north = y / RECTIFYING_M + less
  const east = x / RECTIFYING_M + narrower
  const conformal = Math.asin(Math.sin(north) / Math.cosh(east))
  const [correction] = sum(LATITUDE, conformal, 0)
  const away = Math.atan2(Math.sinh(east), Math.cos(north))
  return [meridian + away / RADIANS, (conformal + correction) / RADIANS]
}

/** The sum of terms[j] sin(2(j+1)z) for the complex number z = re + i im, as its two parts. */
function sum(terms: readonly number[], re: number, im: number): Pair {
  const [sine, cosine] = [Math.sin(2 * re), Math.cos(2 * re)]
  const [sinh, cosh] = im === 0 ? [0, 1] : [Math.sinh(2 * im), Math.cosh(2 * im)]
  const [doubleRe, doubleIm] = [2 * cosine * cosh, -2 * sine * sinh]
  let [thisRe, thisIm, lastRe, lastIm] = [0, 0, 0, 0]
  for (let j = terms.length - 1; j >= 0; j -= 1) {
    const nextRe = doubleRe * thisRe - doubleIm * thisIm - lastRe + (terms[j] ?? 0)
    const nextIm = doubleRe * thisIm + doubleIm * thisRe - lastIm
    lastRe = thisRe
    lastIm = thisIm
    thisRe = nextRe
    thisIm = nextIm
  }
  const [factorRe, factorIm] = [sine * cosh, cosine * sinh]
  return [thisRe * factorRe - thisIm * factorIm, thisRe * factorIm + thisIm * factorRe]
}

const within = (value: number, limit: number): number => Math.min(limit, Math.max(-limit, value))
