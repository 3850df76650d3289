import { describe, expect, it } from 'vitest'
import { isDrawable } from '../domain/catalogue'
import { readFeaturePage, readLayer, readLayers } from './readLayers'
import { readSession } from './session'

describe('the catalogue', () => {
  it('reads a sparse answer without inventing anything', () => {
    const sparse = readLayer({ id: 'x' })
    expect(sparse).toMatchObject({
      title: 'x',
      bounds: null,
      edition: null,
      editions: [],
      synthetic: false,
      style: null,
      updated: null,
    })
    expect(isDrawable(sparse)).toBe(false)
    expect(readLayers(null)).toEqual([])
  })

  it('reads flat and high boxes', () => {
    const at = (bbox: number[]) => readLayer({ id: 'x', extent: { spatial: { bbox: [bbox] } } }).bounds
    expect(at([1, 2, 3, 4])).toEqual([1, 2, 3, 4])
    expect(at([1, 2, 0, 3, 4, 9])).toEqual([1, 2, 3, 4])
    expect(at([1, 2])).toBeNull()
  })

  it('leaves the notice of synthetic data to its badge', () => {
    const title = (synthetic: boolean) =>
      readLayer({ id: 'x', title: '农田（模拟）（模拟数据）', 'x-onemap': { synthetic } }).title
    expect([title(true), title(false)]).toEqual(['农田', '农田（模拟）（模拟数据）'])
  })
})

describe('a page of features', () => {
  it('says that there is more by its next link', () => {
    expect(readFeaturePage({ features: [{ id: '7', properties: null }], links: [{ rel: 'next' }] })).toEqual({
      features: [{ id: '7', geometry: null, properties: {} }],
      more: true,
    })
    expect(readFeaturePage({ features: [], links: [{ rel: 'self' }] }).more).toBe(false)
  })
})

describe('the session', () => {
  it('is anonymous unless the server says otherwise', () => {
    for (const json of [null, {}, { authenticated: 'yes', person: '张' }])
      expect(readSession(json)).toEqual({ authenticated: false })
    expect(readSession({ authenticated: true, person: '张工', functions: 'all', csrf: 't' })).toMatchObject({
      person: '张工',
      functions: 'all',
      csrf: 't',
    })
  })
})
