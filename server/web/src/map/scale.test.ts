import { describe, expect, it } from 'vitest'
import { formatScale, parseScale, PIXEL_M, scaleBar } from './scale'

describe('scales', () => {
  it('are written with three figures', () => {
    expect(formatScale(506_458, 'zh-CN')).toBe('1:506,000')
    expect(formatScale(999.6, 'zh-CN')).toBe('1:1,000')
  })

  it('are read as people write them', () => {
    for (const text of ['10000', '1:10000', '1：10,000', ' 1 : 10 000 ']) expect(parseScale(text)).toBe(10_000)
    for (const text of ['', '1:', 'abc', '-5', '1:0.5', '5']) expect(parseScale(text)).toBeNull()
  })

  it('read what they wrote', () => {
    for (const scale of [250, 10_000, 506_000, 200_000_000]) expect(parseScale(formatScale(scale, 'zh-CN'))).toBe(scale)
  })
})

describe('the scale bar', () => {
  it('is round, as long as can be, and as wide as the scale says', () => {
    expect(scaleBar(10_000, 120)).toEqual({ metres: 200, px: 200 / 2.8 })
    for (const scale of [250, 9_999, 30_000, 506_000, 200_000_000]) {
      const { metres, px } = scaleBar(scale, 120)
      expect(px).toBeGreaterThan(120 / 2.6)
      expect(px).toBeLessThanOrEqual(120)
      expect(metres / px).toBeCloseTo(scale * PIXEL_M, 6)
      expect([1, 2, 5]).toContain(Number(String(metres).replace('.', '').replace(/0+$/, '').replace(/^0+/, '')))
    }
  })
})
