import { describe, expect, it } from 'vitest'
import { windowAround, type Asked } from './pick'

const PLACE: Asked = {
  at: [125.324164, 43.886531],
  reach: [125.32410000000001, 43.88648, 125.32422, 43.88658],
  merged: new Set(),
}

describe('the window asked for around a place', () => {
  it('contains the place and lies the right way round', () => {
    for (const geometry of ['polygon', 'multipolygon', 'line', 'point']) {
      const [west, south, east, north] = windowAround(PLACE, geometry)
      expect(west).toBeLessThan(PLACE.at[0])
      expect(PLACE.at[0]).toBeLessThan(east)
      expect(south).toBeLessThan(PLACE.at[1])
      expect(PLACE.at[1]).toBeLessThan(north)
    }
  })

  it('is a tenth of a millimetre for areas, whatever the zoom: a neighbour is not an answer', () => {
    const [west, , east] = windowAround(PLACE, 'polygon')
    expect(east - west).toBeLessThan(3e-9)
  })

  it('is what a hand can hit for lines and points, in the digits an address needs', () => {
    expect(windowAround(PLACE, 'line')).toEqual([125.3241, 43.88648, 125.32422, 43.88658])
  })
})
