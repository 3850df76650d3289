import { describe, expect, it } from 'vitest'
import { formatScale, parseScale, resolutionAt, scaleAt } from './scale'

describe('scales', () => {
  it('are the OGC ones at the equator: zoom 0 of Web Mercator is 1:559,082,264', () => {
    expect(scaleAt(156_543.033_928_04, 0)).toBeCloseTo(559_082_264.03, 0)
  })

  it('are true on the ground: half as small at 60 degrees', () => {
    expect(scaleAt(100, 60)).toBeCloseTo(scaleAt(100, 0) / 2, 6)
  })

  it('go back to the resolution they came from', () => {
    for (const latitude of [-70, 0, 43.9]) expect(resolutionAt(scaleAt(12.5, latitude), latitude)).toBeCloseTo(12.5, 9)
  })

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
