import { describe, expect, it } from 'vitest'
import { asksSystem, checkInputs, EMPTY_CHECK, exchanged, reviveCheck, surveyInputs, type CheckDraft, type Questions } from './checkRequest'

const QUESTIONS: Questions = {
  profiles: [],
  profile: '',
  attributes: [
    { id: 'far', title: '容积率', kind: 'number', note: '' },
    { id: 'use', title: '用途', kind: 'text', note: '' },
  ],
  flags: [{ id: 'major', title: '' }],
  documents: [{ id: 'report', title: '' }],
}
const UPLOAD = { href: '/files/1', name: '地块.txt', bytes: 3, expires: '' }
const made = (part: Partial<CheckDraft>) => checkInputs({ ...EMPTY_CHECK, ...part }, QUESTIONS)

describe('the inputs of a check', () => {
  it('quote the file, its layer and the zone that was chosen', () => {
    expect(made({ upload: UPLOAD, fileLayer: ' JZD ', crs: 'EPSG:4530' })).toEqual({
      inputs: { parcels: { href: '/files/1', layer: 'JZD' }, crs: 'EPSG:4530' },
      faults: new Map(),
    })
  })

  it('never give a zone to what was drawn in degrees', () => {
    const shape = { type: 'Polygon', coordinates: [] } as const
    expect(made({ way: 'draw', drawn: [shape], crs: 'EPSG:4530' }).inputs).toEqual({
      parcels: { type: 'FeatureCollection', features: [{ type: 'Feature', geometry: shape, properties: {} }] },
    })
  })

  it('name a layer, what of it, and as recorded when, but no zone: the layer says its own', () => {
    const layer = { way: 'layer', collection: 'planned_land_use' } as const
    expect(made({ ...layer, filter: "code = '1001'", recorded: '2026-03-05', crs: 'EPSG:4530' })).toEqual({
      inputs: { parcels: { collection: 'planned_land_use', filter: "code = '1001'", asOf: '2026-03-05' } },
      faults: new Map(),
    })
    expect(made({ ...layer, filter: ' ' }).inputs).toEqual({ parcels: { collection: 'planned_land_use' } })
    expect([...made({ way: 'layer', filter: 'x' }).faults]).toEqual([['parcels', 'parcels']])
  })

  it('send pasted JSON as it is and anything else as a text', () => {
    expect(made({ way: 'paste', pasted: '{"type":"Polygon"}' }).inputs).toEqual({ parcels: { type: 'Polygon' } })
    for (const text of ['J1,1,2', '[属性描述]\n坐标系='])
      expect(made({ way: 'paste', pasted: text }).inputs).toEqual({ parcels: { text } })
  })

  it('say of the project only what was said, numbers as numbers', () => {
    const { inputs } = made({
      upload: UPLOAD,
      name: ' 工业园 ',
      attributes: { far: '1.80', use: '', unknown: 'x' },
      flags: { major: 'false', other: 'true' },
      documents: ['report', 'gone'],
    })
    expect(inputs['project']).toEqual({
      name: '工业园',
      attributes: { far: 1.8 },
      flags: { major: false },
      documents: { report: 'attached' },
    })
  })

  it('give the days of the project beside the day of the check', () => {
    const dates = { acceptance: '2026-03-05', approval: '', other: '2026-01-01' }
    expect(made({ upload: UPLOAD, checkDate: '2026-03-06', dates }).inputs).toMatchObject({
      check_date: '2026-03-06',
      project: { dates: { acceptance: '2026-03-05' } },
    })
    expect(made({ upload: UPLOAD, dates: { approval: '' } }).inputs).not.toHaveProperty('project')
  })

  it('name the reference system that was typed for a pasted document', () => {
    const pasted = { way: 'paste', pasted: '{"type":"Polygon"}' } as const
    expect(made({ ...pasted, crs: ' EPSG:4530 ' }).inputs).toEqual({ parcels: { type: 'Polygon' }, crs: 'EPSG:4530' })
    expect(asksSystem({ ...EMPTY_CHECK, ...pasted }, false)).toBe(false)
    expect(asksSystem({ ...EMPTY_CHECK, ...pasted }, true)).toBe(true)
    expect(asksSystem({ ...EMPTY_CHECK, ...pasted, crs: 'EPSG:4530' }, false)).toBe(true)
    expect(asksSystem({ ...EMPTY_CHECK, upload: UPLOAD }, true)).toBe(true)
    expect(asksSystem({ ...EMPTY_CHECK, way: 'draw' }, true)).toBe(false)
  })

  it.each<[string, Partial<CheckDraft>, string, string]>([
    ['no parcel', {}, 'parcels', 'parcels'],
    ['broken JSON', { way: 'paste', pasted: '{"type":' }, 'parcels', 'json'],
    ['a unit that is no code', { upload: UPLOAD, unit: '长春' }, 'unit', 'unit'],
    ['a figure that is no number', { upload: UPLOAD, attributes: { far: '约2' } }, 'far', 'number'],
  ])('are at fault for %s', (_what, part, field, fault) => {
    expect([...made(part).faults]).toEqual([[field, fault]])
  })
})

describe('a pasted document whose axes are the other way round', () => {
  const turned = (document: unknown) => JSON.parse(exchanged(JSON.stringify(document)) ?? 'null') as unknown

  it('has x and y of every position exchanged, heights and properties left', () => {
    const feature = (coordinates: unknown) => ({ type: 'Feature', properties: { coordinates: [1, 2] }, geometry: { type: 'MultiPolygon', coordinates } })
    expect(turned({ type: 'FeatureCollection', bbox: [1, 2, 3, 4], features: [feature([[[[1, 2], [3, 4, 5]]]])] })).toEqual({
      type: 'FeatureCollection',
      features: [feature([[[[2, 1], [4, 3, 5]]]])],
    })
  })

  it('is turned in its own system alone, where it has degrees beside it', () => {
    const point = (x: number, y: number) => ({ type: 'Polygon', coordinates: [[[x, y]]] })
    expect(turned({ place: point(1, 2), geometry: point(125, 43) })).toEqual({ place: point(2, 1), geometry: point(125, 43) })
    expect(turned({ place: null, geometry: point(1, 2) })).toEqual({ place: null, geometry: point(2, 1) })
    expect(exchanged('{"type":')).toBeNull()
  })
})

describe('the reader of surveyors’ files', () => {
  it('is asked about files and texts, with the unit, and never about what is in degrees already', () => {
    const asked = (part: Partial<CheckDraft>) => surveyInputs({ ...EMPTY_CHECK, ...part })
    expect(asked({ upload: UPLOAD, unit: '220100' })).toEqual({ file: { href: '/files/1' }, unit: '220100' })
    expect(asked({ way: 'paste', pasted: '1 2', unit: '?' })).toEqual({ text: '1 2' })
    expect(asked({ way: 'paste', pasted: '{}' })).toBeNull()
    expect(asked({ way: 'draw', drawn: [{ type: 'Polygon', coordinates: [] }] })).toBeNull()
    expect(asked({ way: 'layer', collection: 'land_use' })).toBeNull()
    expect(asked({})).toBeNull()
  })
})

describe('a draft that was kept', () => {
  it('comes back as far as it still fits', () => {
    const draft: CheckDraft = { ...EMPTY_CHECK, way: 'paste', pasted: 'J1', upload: UPLOAD, documents: ['a'] }
    expect(reviveCheck(JSON.parse(JSON.stringify(draft)))).toEqual(draft)
    expect(reviveCheck({ way: 'mail', pasted: 1 })).toEqual(EMPTY_CHECK)
    expect(reviveCheck({ pasted: 1, flags: null, other: 2 })).toEqual(EMPTY_CHECK)
    expect(reviveCheck(null)).toEqual(EMPTY_CHECK)
  })
})
