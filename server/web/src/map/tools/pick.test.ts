import { describe, expect, it } from 'vitest'
import { windowAround } from './pick'

const PLACE = [125.324164, 43.886531] as const

describe('the window asked for around a place', () => {
  it('contains the place and lies the right way round', () => {
    for (const geometry of ['polygon', 'multipolygon', 'line', 'point']) {
      const [west, south, east, north] = windowAround(PLACE, 2, geometry)
      expect(west).toBeLessThan(PLACE[0])
      expect(PLACE[0]).toBeLessThan(east)
      expect(south).toBeLessThan(PLACE[1])
      expect(PLACE[1]).toBeLessThan(north)
    }
  })

  it('is a tenth of a millimetre for areas, whatever the zoom: a neighbour is not an answer', () => {
    const [west, , east] = windowAround(PLACE, 5000, 'polygon')
    expect(east - west).toBeLessThan(3e-9)
  })

  it('is as high as it is wide on the screen for lines and points', () => {
    const [west, south, east, north] = windowAround(PLACE, 10, 'line')
    const squeeze = Math.cos((PLACE[1] * Math.PI) / 180)
    expect((north - south) / squeeze).toBeCloseTo(east - west, 9)
    expect(east - west).toBeCloseTo((2 * 6 * 10) / 111_319.49, 7)
  })
})
