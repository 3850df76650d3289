import { describe, expect, it } from 'vitest'
import { zh } from '../app/i18n/zh'
import { readFeature, readLayer } from '../api/readLayers'
import { describeFeature } from './attributes'

const layer = readLayer({
  id: 'parcels',
  title: '图斑（模拟数据）',
  'x-onemap': {
    synthetic: true,
    geometry: 'polygon',
    fields: [
      { name: 'LX', title: '类型', type: 'text', unit: null, codes: { '0101': '水田' } },
      { name: 'MJ', title: '图斑面积', type: 'decimal', unit: '平方米' },
      { name: 'BZ', title: '备注', type: 'text', unit: null },
      { name: 'ND', title: '数据年份', type: 'integer', unit: null },
      { name: 'XS', title: '系数', type: 'decimal', unit: null },
      { name: 'SL', title: '数量', type: 'integer', unit: null },
      { name: 'om_area_m2', title: '椭球面积', type: 'decimal', unit: '平方米' },
    ],
  },
})
const rows = (properties: object) =>
  new Map(
    describeFeature(layer, readFeature({ id: '220100000000000001', properties }), zh).map((row) => [row.name, row]),
  )

describe('the attributes of a feature', () => {
  it('carry the titles of fields, units and codes that the server gives', () => {
    const found = rows({ LX: '0101', MJ: 1234.5 })
    expect(found.get('类型')?.value).toBe('0101 水田')
    expect(found.get('图斑面积（平方米）')?.value).toBe('1,234.5')
  })

  it('are grouped by thousands only where they have a unit: a year has none', () => {
    const found = rows({ ND: 2022, XS: 1234.5, MJ: 1234.5 })
    expect(found.get('数据年份')?.value).toBe('2022')
    expect(found.get('系数')?.value).toBe('1234.5')
    expect(found.get('图斑面积（平方米）')?.value).toBe('1,234.5')
  })

  it('give the ellipsoidal area in hectares with 4 decimals and in mu with 2, under its own name', () => {
    const found = rows({ om_area_m2: 99_993 })
    expect(found.get('椭球面积（公顷）')?.value).toBe('9.9993')
    expect(found.get('椭球面积（亩）')?.value).toBe('149.99')
    expect(found.has('椭球面积（平方米）')).toBe(false)
  })

  it('show what is missing as missing with a reason, and a zero as a zero', () => {
    const found = rows({ BZ: '', SL: 0 })
    expect(found.get('备注')).toMatchObject({ value: null, missing: '未填写' })
    expect(found.get('椭球面积（公顷）')).toMatchObject({ value: null })
    expect(found.get('依据文号')).toMatchObject({ value: null, missing: '未登记文号' })
    expect(found.get('数量')?.value).toBe('0')
  })

  it('keep an 18-digit identifier as text', () => {
    expect(rows({}).get('业务编号')?.value).toBe('220100000000000001')
  })

  it('never say twice that the layer is synthetic', () => {
    expect(layer.title).toBe('图斑')
  })
})
