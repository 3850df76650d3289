/** The ellipsoid of CGCS2000 (EPSG:1024). */

export const SEMI_MAJOR_M = 6_378_137
const FLATTENING = 1 / 298.257222101

/** Third flattening and first eccentricity. */
export const THIRD = FLATTENING / (2 - FLATTENING)
export const ECCENTRICITY = Math.sqrt(FLATTENING * (2 - FLATTENING))

export const RADIANS = Math.PI / 180

/** Metres on the ground in one degree of longitude, along the parallel of *latitude* (degrees). */
export function metresPerDegreeEast(latitude: number): number {
  const sine = Math.sin(latitude * RADIANS)
  const normal = SEMI_MAJOR_M / Math.sqrt(1 - (ECCENTRICITY * sine) ** 2)
  return normal * Math.cos(latitude * RADIANS) * RADIANS
}
