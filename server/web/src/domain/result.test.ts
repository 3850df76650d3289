import { describe, expect, it } from 'vitest'
import { quantity, unitOf } from './quantity'
import { boundsOf, columnsOf, show } from './result'

describe('a result', () => {
  it('is a layer where it links to a collection', () => {
    const value = { href: 'https://x.cn/api/collections/result_ab_features', rel: 'data', title: 'T' }
    expect(show(value)).toEqual({ kind: 'layer', collection: 'result_ab_features', title: 'T' })
    expect(show({ href: 'https://x.cn/jobs/1/results/a', type: 'text/csv' })).toEqual({
      kind: 'elsewhere',
      type: 'text/csv',
    })
  })

  it('is features with their attributes, drawn only in longitude and latitude', () => {
    const point = { type: 'Point', coordinates: [1, 2] }
    const feature = { type: 'Feature', id: 7, geometry: point, properties: { a: 1 } }
    const given = { type: 'FeatureCollection', features: [feature, { type: 'Feature', properties: null }] }
    expect(show(given)).toEqual({
      kind: 'features',
      features: [{ id: 7, a: 1 }, {}],
      geometries: [point, null],
      geographic: true,
    })
    const plane = { ...given, coordRefSys: 'http://www.opengis.net/def/crs/EPSG/0/4528' }
    expect(show(plane)).toMatchObject({ geographic: false })
  })

  it('is a table, a record or a single value', () => {
    expect(show([{ a: 1 }, { b: 2 }]).kind).toBe('rows')
    expect(show({ a: 1 }).kind).toBe('record')
    expect([null, 0, '', [], [1]].map((value) => show(value).kind)).toEqual(Array(5).fill('value'))
    expect(columnsOf([{ a: 1 }, { b: 2, a: 3 }])).toEqual(['a', 'b'])
  })
})

describe('the place of results', () => {
  it('holds every position of every kind of geometry', () => {
    const polygon = { type: 'Polygon', coordinates: [[[1, 2], [3, 4], [1, 2]]] }
    const point = { type: 'Point', coordinates: [-1, 9, 100] }
    expect(boundsOf([polygon, null, { type: 'GeometryCollection', geometries: [point] }])).toEqual([-1, 2, 3, 9])
    expect(boundsOf([null, { type: 'Polygon', coordinates: [] }])).toBeNull()
  })
})

describe('a number of a result', () => {
  it('is written in the unit that its name says', () => {
    expect(['area_m2', 'snap_m', 'parts', 'm2'].map(unitOf)).toEqual(['area', 'length', null, null])
    expect(quantity(12_345.678, 'area', 'zh-CN')).toBe('1.2346')
    expect(quantity(1234.5678, 'length', 'zh-CN')).toBe('1,234.568')
    expect(quantity(2024, null, 'zh-CN')).toBe('2024')
  })
})
