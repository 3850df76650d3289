import { describe, expect, it } from 'vitest'
import { formatPlane, formatPosition, parsePosition, type Position } from './coordinate'
import { metresPerDegreeEast } from './ellipsoid'
import { toDegrees, toPlane } from './gaussKruger'
import { planeOf, positionOf, zoneAt, zoneByCode, zoneOf, zonesIn, type Zone } from './zone'

/** EPSG code, longitude, latitude, easting, northing: worked by PROJ 9. */
const WORKED = [
  [4530, 125.32416, 43.88653, 42_445_690.19391, 4_861_436.64323],
  [4529, 124.0, 43.5, 41_580_876.90075, 4_818_754.54366],
  [4551, 125.32416, 43.88653, 445_690.19391, 4_861_436.64323],
  [4526, 115.5, 22.25, 38_654_632.95296, 2_462_250.02728],
  [4513, 73.6, 39.4, 25_379_406.48013, 4_363_846.97421],
  [4533, 134.99, 48.1, 45_499_255.18978, 5_329_546.77326],
  [4530, 105.0, 30.0, 40_451_125.80978, 3_513_347.07297],
] as const

const zone = (code: number): Zone => zoneByCode(code) as Zone

describe('the Gauss-Krüger projection', () => {
  it.each(WORKED)('of EPSG:%i at %f, %f is that of PROJ to a hundredth of a millimetre', (code, lon, lat, y, x) => {
    const { meridian, falseEasting } = zone(code)
    const [east, north] = toPlane(lon, lat, meridian)
    expect(Math.abs(east + falseEasting - y)).toBeLessThan(2e-5)
    expect(Math.abs(north - x)).toBeLessThan(2e-5)
  })

  it('comes back to a millionth of a second, twenty degrees from the meridian, too', () => {
    for (let away = -20; away <= 20; away += 2.5)
      for (let latitude = 0; latitude <= 60; latitude += 7.5) {
        const [east, north] = toPlane(126 + away, latitude, 126)
        const [lon, lat] = toDegrees(east, north, 126)
        expect(Math.abs(lon - 126 - away)).toBeLessThan(3e-10)
        expect(Math.abs(lat - latitude)).toBeLessThan(3e-10)
      }
  })

  it('stays finite where it means nothing', () => {
    for (const place of [
      [-54, 0],
      [36, 90],
      [180, -90],
    ] as const)
      expect(toPlane(place[0], place[1], 126).every(Number.isFinite)).toBe(true)
  })
})

describe('3-degree zones', () => {
  it('are 25 to 45, by number and by both of their codes', () => {
    expect([zoneByCode(4513)?.number, zoneByCode(4533)?.number]).toEqual([25, 45])
    expect([zoneByCode(4534)?.meridian, zoneByCode(4547)?.meridian, zoneByCode(4554)?.meridian]).toEqual([75, 114, 135])
    expect([4490, 4512, 4555, NaN, 4513.5].map(zoneByCode)).toEqual([null, null, null, null, null])
    expect([24, 46, 30.5].map(zoneOf)).toEqual([null, null, null])
  })

  it('hold the three degrees about their meridian', () => {
    expect([124.49, 124.51, 127.49].map((lon) => zoneAt(lon)?.number)).toEqual([41, 42, 42])
    expect([-100, 73.4, 136.6].map(zoneAt)).toEqual([null, null, null])
  })

  it('of a box are all that it reaches into', () => {
    expect(zonesIn([124.2, 43, 127.1, 45]).map(({ number }) => number)).toEqual([41, 42])
    expect(zonesIn([-180, -90, 180, 90])).toHaveLength(21)
    expect(zonesIn([0, 0, 10, 10])).toEqual([])
  })

  it('give plane coordinates that lead back', () => {
    const place: Position = [125.32416, 43.88653]
    const [lon, lat] = positionOf(planeOf(place, zone(4530)))
    expect(lon).toBeCloseTo(place[0], 9)
    expect(lat).toBeCloseTo(place[1], 9)
  })
})

describe('coordinates', () => {
  const places = [
    [125.32416, 43.88653],
    [-0.5, -0.25],
    [180, 90],
    [-180, -90],
    [0, 0],
    [124.999999999, 59.99999999],
  ] as const

  it('read what they wrote, on every quarter of the globe', () => {
    for (const form of ['decimal', 'sexagesimal'] as const)
      for (const place of places) {
        const [lon, lat] = parsePosition(formatPosition(place, form)) ?? [NaN, NaN]
        expect(Math.abs(lon - place[0])).toBeLessThan(6e-7)
        expect(Math.abs(lat - place[1])).toBeLessThan(6e-7)
      }
  })

  it('are written in minutes and seconds without ever saying 60', () => {
    expect(formatPosition([125.32416, 43.88653], 'sexagesimal')).toBe('125°19′26.976″E 43°53′11.508″N')
    expect(formatPosition([124.999999999, -0.01], 'sexagesimal')).toBe('125°00′00.000″E 0°00′36.000″S')
  })

  it('are written in the plane as surveyors do: X north, Y east with the number of its zone', () => {
    expect(formatPlane([125.32416, 43.88653], zone(4530))).toBe('X 4861436.64 Y 42445690.19')
    expect(formatPlane([125.32416, 43.88653], zone(4551))).toBe('X 4861436.64 Y 42445690.19')
  })

  it('are read longitude first, with Western or Chinese commas or a space', () => {
    for (const text of ['125.3,43.9', '125.3， 43.9', ' 125.3 43.9 ', '125.3°E, 43.9°N', '125.3e43.9n'])
      expect(parsePosition(text)).toEqual([125.3, 43.9])
  })

  it('are read in minutes and seconds, typed with any marks', () => {
    for (const text of [`125°18'E 43°54'N`, '125° 18′ 0″ E, 43° 54′ 0.000″ N'])
      expect(parsePosition(text)).toEqual([125.3, 43.9])
  })

  it('are read from the plane of a zone', () => {
    for (const text of ['4861436.64 42445690.19', 'X 4861436.64 Y 42445690.19', 'x=4861436.64，y=42445690.19']) {
      const [lon, lat] = parsePosition(text) ?? [NaN, NaN]
      expect(Math.abs(lon - 125.32416)).toBeLessThan(1e-7)
      expect(Math.abs(lat - 43.88653)).toBeLessThan(1e-7)
    }
  })

  it('are refused when they are none', () => {
    for (const text of ['', '125', '43.9,125.3', '4861436 445690', '4861436 99445690', '181,0', 'a,b', '1,2,3'])
      expect(parsePosition(text)).toBeNull()
    expect(parsePosition(`125°60'E 43°54'N`)).toBeNull()
  })
})

describe('a degree of longitude', () => {
  it('is as long on the ground as the ellipsoid says', () => {
    expect(metresPerDegreeEast(0)).toBeCloseTo(111_319.491, 3)
    expect(metresPerDegreeEast(60)).toBeCloseTo(55_800.0, 0)
  })
})
