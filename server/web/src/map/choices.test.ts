import { describe, expect, it } from 'vitest'
import { choices } from './choices'
import { DEGREES, MERCATOR, systemOf, type MapSystem } from './systems'

const codes = (...of: Parameters<typeof choices>): string[] => choices(...of).map(({ code }) => code)

describe('the views on offer', () => {
  it('are degrees, the zones of the data and Web Mercator', () => {
    expect(codes(DEGREES, null, [124.2, 43, 127.1, 45])).toEqual(['4490', '4529', '4530', '3857'])
    expect(codes(DEGREES, null, null)).toEqual(['4490', '3857'])
  })

  it('have the zone of the place looked at, once', () => {
    expect(codes(MERCATOR, [125.3, 43.9], [124.2, 43, 127.1, 45])).toEqual(['4490', '4529', '4530', '3857'])
    expect(codes(MERCATOR, [114, 30], [124.2, 43, 127.1, 45])).toEqual(['4490', '4526', '4529', '4530', '3857'])
    expect(codes(DEGREES, [-100, 40], null)).toEqual(['4490', '3857'])
  })

  it('have what is in use, by its own code', () => {
    expect(codes(systemOf('4551') as MapSystem, [125.3, 43.9], null)).toEqual(['4490', '4551', '3857'])
  })

  it('are not all the zones of the nation', () => {
    expect(codes(DEGREES, [125.3, 43.9], [73, 18, 135, 53])).toEqual(['4490', '4530', '3857'])
  })
})
