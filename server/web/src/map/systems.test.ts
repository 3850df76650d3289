import { describe, expect, it } from 'vitest'
import { resolutionAt, scaleAt } from './scale'
import { DEGREES, groundUnit, MERCATOR, systemOf, zeroResolution, zoomAt, type MapSystem } from './systems'

const ZONE = systemOf('4530') as MapSystem
const PLACE = [125.32416, 43.88653] as const
const ALL = [DEGREES, MERCATOR, ZONE]

describe('the systems of the map', () => {
  it('are known by their codes: degrees, Web Mercator and every 3-degree zone', () => {
    expect(systemOf('4490')).toBe(DEGREES)
    expect(systemOf('3857')).toBe(MERCATOR)
    expect(systemOf('4547')).toMatchObject({ kind: 'zone', zone: { meridian: 114 }, grid: 'CGCS2000Quad' })
    for (const code of ['4326', '4512', '4555', '', 'x', ' 4530', '45300', '4490.0']) expect(systemOf(code)).toBeNull()
  })

  it('count zooms as MapLibre does: the world is 512 pixels wide at zoom 0', () => {
    expect(zeroResolution(MERCATOR, 40)).toBeCloseTo(78271.51696402048, 6)
    expect(zeroResolution(DEGREES, 40)).toBe(360 / 512)
    expect(zoomAt(zeroResolution(DEGREES, 0) / 2 ** 12, zeroResolution(DEGREES, 0))).toBeCloseTo(12, 12)
  })

  it('show one scale at one zoom, whichever is chosen', () => {
    const zooms = ALL.map((system) =>
      zoomAt(resolutionAt(10_000, system, PLACE), zeroResolution(system, PLACE[1])),
    )
    for (const zoom of zooms) expect(Math.abs(zoom - (zooms[0] ?? 0))).toBeLessThan(0.003)
  })

  it('know what one of their units is on the ground: a degree is no metre, a zone is true but for little', () => {
    expect(groundUnit(DEGREES, PLACE)).toBeCloseTo(80_361, -1)
    expect(groundUnit(MERCATOR, PLACE)).toBeCloseTo(0.722, 3)
    // PROJ: the zone enlarges by 36.26 millionths here, by 295 at its edge in the south
    expect(1 / groundUnit(ZONE, PLACE)).toBeCloseTo(1.00003626, 7)
    expect(1 / groundUnit(systemOf('4526') as MapSystem, [115.5, 22.25])).toBeCloseTo(1.00029532, 7)
  })
})

describe('scales', () => {
  it('are the OGC ones at the equator: 1:559,082,264 where a pixel is 156,543 m', () => {
    expect(scaleAt(156_543.033_928_04, MERCATOR, [0, 0])).toBeCloseTo(559_082_264.03, 0)
    expect(scaleAt(1.40625, DEGREES, [0, 0])).toBeCloseTo(559_082_264.03, 0)
  })

  it('are true on the ground: half as small at 60 degrees, but for the flattening', () => {
    for (const system of [DEGREES, MERCATOR])
      expect(scaleAt(100, system, [0, 60]) / scaleAt(100, system, [0, 0])).toBeCloseTo(0.5, 2)
  })

  it('go back to the resolution they came from', () => {
    for (const system of ALL)
      for (const latitude of [-70, 0, 43.9])
        expect(resolutionAt(scaleAt(12.5, system, [126, latitude]), system, [126, latitude])).toBeCloseTo(12.5, 9)
  })
})
