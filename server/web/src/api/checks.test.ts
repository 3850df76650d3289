import { describe, expect, it } from 'vitest'
import { geometriesOf, shownArea, worst } from '../domain/check'
import { asksZone, outlineOf } from '../domain/survey'
import { reportAddress } from './checks'
import { checkIn, hashOf, readCheck, readOpinion } from './readCheck'
import { readQuestions } from './rulesets'
import { readSurvey } from './surveys'

const HASH = '9f3c'.repeat(16)
const SQUARE = { type: 'Polygon', coordinates: [] }
const concern = (m2: number) => ({ binding: 'b', ellipsoid_m2: m2, geometry: SQUARE, features: [{ id: '1', plan: 'P' }] })
const piece = (outcome: string, m2: number) => ({ clause: 1, outcome, ellipsoid_m2: m2, geometry: { ...SQUARE, outcome } })
const rule = (part: object) => ({ rule: 'R', title: { zh: '规则', en: 'Rule' }, fact: '涉及', suggestion: 'FAIL', ...part })
const DOCUMENT = {
  kind: 'compliance_check',
  hash: HASH,
  ruleset: { id: 'r', version: '1', title: { zh: '规则' }, overrides: [{ id: 'city', version: '2' }] },
  layers: [{ binding: 'b', connected: false, reason: 'no_edition', title: { zh: '图层', en: 'Layer' }, edition: { key: '2024' } }],
  parcels: [
    {
      number: 1,
      areas: { declared_m2: null, planar_m2: 0 },
      overall: 'COND',
      summary: { FAIL: 2 },
      rules: [
        rule({ concerns: [concern(5), concern(9)], needs: [{ id: 'd', title: '报告' }] }),
        rule({ suggestion: 'COND', pieces: [piece('PASS', 7), piece('COND', 2), piece('COND', 3)], concerns: [concern(7)] }),
        rule({ fact: '不涉及', suggestion: 'PASS', concerns: [concern(0)] }),
        rule({ fact: '也许', suggestion: 'WONDERFUL' }),
      ],
    },
  ],
}
const check = readCheck(DOCUMENT)
const [parcel] = check.parcels
const rules = parcel?.rules() ?? []

describe('a check', () => {
  it('keeps what is missing apart from zero', () => {
    expect(parcel).toMatchObject({ declaredM2: null, planarM2: 0, ellipsoidM2: null, name: null, region: null })
    expect(check).toMatchObject({ hash: HASH, asOf: null, overrides: ['city 2'], project: { name: null, code: null } })
    expect(check.layers[0]).toMatchObject({ connected: false, reason: 'no_edition', layer: null, edition: { zh: '2024', en: '2024' } })
  })

  it('takes a suggestion that it does not know for one to be verified, and a fact for none', () => {
    expect(rules[3]).toMatchObject({ outcome: 'VERIFY', fact: null, concerns: [], pieces: [] })
  })

  it('reads the rules of a parcel once, and when somebody looks', () => {
    expect(parcel?.rules()).toBe(rules)
    expect(parcel?.brief.map(({ outcome }) => outcome)).toEqual(['FAIL', 'COND', 'PASS', 'VERIFY'])
  })

  it('names the documents that its rules ask for', () => {
    expect([...check.documents]).toEqual([['d', '报告']])
  })

  it('shows the area of the pieces that decided, else of the largest concern, and none where nothing is concerned', () => {
    expect(rules.map(shownArea)).toEqual([9, 5, null, null])
  })

  it('draws the pieces that decided, else what is touched', () => {
    expect(rules.map((one) => geometriesOf(one).length)).toEqual([2, 2, 1, 0])
  })

  it('is as bad as its worst parcel', () => {
    expect(worst(['PASS', 'VERIFY', 'COND'])).toBe('COND')
    expect(worst([])).toBeNull()
  })

  it('is found in a result whatever its output is called', () => {
    expect(hashOf(checkIn(DOCUMENT))).toBe(HASH)
    expect(hashOf(checkIn({ other: 1, result: DOCUMENT }))).toBe(HASH)
    expect(checkIn({ other: { kind: 'something' } })).toBeNull()
  })

  it('has reports, with the details of some parcels alone', () => {
    expect(reportAddress('ab', 'docx')).toBe('/checks/ab/report?f=docx')
    expect(reportAddress('ab', 'docx', [3, 5])).toBe('/checks/ab/report?f=docx&parcel=3,5')
  })
})

describe('an opinion', () => {
  it('is read without inventing anything', () => {
    expect(readOpinion({ id: '1', conclusion: '?', parcels: null })).toMatchObject({
      conclusion: 'VERIFY',
      parcels: null,
      signedBy: '',
      supersedes: null,
    })
    expect(readOpinion({ parcels: [1, 'x', 2] }).parcels).toEqual([1, 2])
  })
})

describe('the report on a surveyor’s file', () => {
  const zone = { crs: 'EPSG:4530', name: 'Z', zone: 42, meridian_deg: 126, bbox: [1, 2, 3, 4], region: { code: '2201' } }

  it('asks for the zone only where the file states none and some fit', () => {
    expect(asksZone(readSurvey({ crs: null, zones: [zone] }))).toBe(true)
    expect(asksZone(readSurvey({ crs: 'EPSG:4530', zones: [zone] }))).toBe(false)
    expect(asksZone(readSurvey({ crs: null, zones: [], local_frame: true }))).toBe(false)
  })

  it('draws the parcels of a zone where they are told, else their box', () => {
    const [plain] = readSurvey({ zones: [zone] }).zones
    expect(plain).toMatchObject({ region: { zh: '2201', en: '2201' }, swapped: false })
    expect(plain && outlineOf(plain)).toEqual({ type: 'Polygon', coordinates: [[[1, 2], [3, 2], [3, 4], [1, 4], [1, 2]]] })
    const [told] = readSurvey({ zones: [{ ...zone, outline: SQUARE }] }).zones
    expect(told && outlineOf(told)).toEqual(SQUARE)
  })
})

describe('the questions of a rule set', () => {
  it('are what it names, with units, and without what a service answers', () => {
    const told = {
      profiles: [{ id: 'a', title: '甲' }, { id: 'b' }],
      attributes: [
        { id: 'far', type: 'number', title: '容积率', unit: null, note: '注' },
        { id: 'height', type: 'number', title: '高度', unit: 'm' },
        { id: 'use', type: 'code', title: '用途' },
      ],
      flags: [{ id: 'major', title: '重大', source: 'applicant' }, { id: 'hit', title: '核查', source: 'service' }],
    }
    expect(readQuestions(told, 'a')).toEqual({
      profile: 'a',
      profiles: [{ id: 'a', title: '甲' }, { id: 'b', title: 'b' }],
      attributes: [
        { id: 'far', title: '容积率', kind: 'number', note: '注' },
        { id: 'height', title: '高度（m）', kind: 'number', note: '' },
        { id: 'use', title: '用途', kind: 'text', note: '' },
      ],
      flags: [{ id: 'major', title: '重大' }],
      documents: [],
    })
  })
})
