import { describe, expect, it } from 'vitest'
import { hectares, mu } from './area'
import { readLayer } from '../api/readLayers'
import { collectionId, editionOf, isDrawable } from './catalogue'
import { isoDate } from './date'
import { isSuperseded } from './edition'
import { buildTree, filterLayers, listed } from './tree'

const inForce = {
  key: '2024',
  title: '2024年',
  validFrom: '2024-12-31',
  validTo: null,
  status: { code: 'in_force', title: '启用' },
  issuer: { code: 'own', title: '本级' },
  document: '文〔2025〕1号',
}
const repealed = {
  ...inForce,
  key: '2023',
  title: '2023年',
  validFrom: '2023-12-31',
  validTo: '2024-12-30',
  status: { code: 'repealed', title: '废止' },
}
const layer = (id: string, theme: object, more: object = {}) =>
  readLayer({
    id,
    title: `${id} 层`,
    'x-onemap': { theme, geometry: 'polygon', style: 's', edition: inForce, editions: [inForce, repealed], ...more },
  })

describe('areas', () => {
  it('are hectares with 4 decimals and mu with 2', () => {
    expect(hectares(12_345_678.9)).toBe('1,234.5679')
    expect(mu(10_000)).toBe('15.00')
    expect(mu(1_000_000 / 15)).toBe('100.00')
  })

  it('stay unknown when unknown, and are zero when zero', () => {
    expect([hectares(null), mu(null)]).toEqual([null, null])
    expect([hectares(0), mu(0)]).toEqual(['0.0000', '0.00'])
  })
})

describe('dates', () => {
  it('are those of Shanghai', () => {
    expect(isoDate('2026-11-23T16:00:00Z')).toBe('2026-11-24')
    expect(isoDate('2026-11-24')).toBe('2026-11-24')
    expect([isoDate(null), isoDate('never')]).toEqual([null, null])
  })
})

describe('the catalogue', () => {
  it('draws no table', () => {
    expect(isDrawable(layer('t', {}, { geometry: 'none' }))).toBe(false)
  })

  it('knows editions by key, and the one in force without', () => {
    const one = layer('one', { id: 'a' })
    expect(editionOf(one, null)?.key).toBe('2024')
    expect(editionOf(one, '2023')?.status.title).toBe('废止')
    expect(editionOf(one, '1999')).toBeNull()
    expect([collectionId('one', null), collectionId('one', '2023')]).toEqual(['one', 'one.2023'])
  })

  it('warns of an edition that is no longer in force', () => {
    const one = layer('one', { id: 'a' })
    expect(one.editions.map((edition) => isSuperseded(one, edition))).toEqual([false, true])
  })
})

describe('the resource tree', () => {
  const base = { id: 'base', title: '基础', order: 10 }
  const plans = { id: 'plans', title: '规划', order: 30 }
  const layers = [
    layer('zone', { id: 'plans.zones', title: '分区', order: 10, parents: [plans] }, { source: '某院' }),
    layer('county', { id: 'base.boundary', title: '行政区划', order: 10, parents: [base] }),
    layer('city', { id: 'base.boundary', title: '行政区划', order: 10, parents: [base] }),
  ]

  it('nests and orders themes as the server says and keeps every layer once', () => {
    const tree = buildTree(layers)
    expect(tree.map(({ id, branches }) => [id, branches.map((branch) => branch.id)])).toEqual([
      ['base', ['base.boundary']],
      ['plans', ['plans.zones']],
    ])
    expect(listed(tree).map(({ id }) => id)).toEqual(['county', 'city', 'zone'])
  })

  it('is filtered by every word, in titles, themes and sources', () => {
    const found = (query: string) => filterLayers(layers, query).map(({ id }) => id)
    expect(found('')).toHaveLength(3)
    expect(found('行政区划 city')).toEqual(['city'])
    expect(found('某院')).toEqual(['zone'])
    expect(found('没有')).toEqual([])
  })
})
