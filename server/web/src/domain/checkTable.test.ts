import { describe, expect, it } from 'vitest'
import type { CheckParcel, Outcome, RuleBrief } from './check'
import { ALL_PARCELS, byOutcome, byRule, matching, ordered, readFilter, writeFilter, type ParcelFilter } from './checkTable'

const rule = (id: string, outcome: Outcome, fact: RuleBrief['fact'] = 'free'): RuleBrief => ({
  rule: id,
  title: { zh: id, en: id },
  mandatory: true,
  fact,
  outcome,
})
const parcel = (number: number, overall: Outcome, part: Partial<CheckParcel> = {}): CheckParcel => ({
  number,
  name: null,
  geometry: null,
  region: null,
  declaredM2: null,
  planarM2: null,
  ellipsoidM2: null,
  faults: [],
  overall,
  summary: { FAIL: 0, COND: 0, VERIFY: 0, INFO: 0, PASS: 0 },
  brief: [],
  rules: () => [],
  composition: () => ({ present: null, planned: null }),
  ...part,
})
const numbers = (parcels: readonly CheckParcel[]): number[] => parcels.map(({ number }) => number)

const PARCELS = [
  parcel(1, 'PASS', { name: '东区', ellipsoidM2: 100, brief: [rule('A', 'PASS'), rule('B', 'PASS')] }),
  parcel(2, 'FAIL', { ellipsoidM2: 300, brief: [rule('A', 'FAIL', 'concerned'), rule('B', 'VERIFY', 'missing')] }),
  parcel(3, 'VERIFY', { faults: [{ code: 'x', title: null, isError: true, message: { zh: '', en: '' }, place: '' }] }),
  parcel(12, 'COND', { ellipsoidM2: 200, brief: [rule('A', 'COND', 'concerned'), rule('B', 'PASS')] }),
]

describe('the filter of parcels', () => {
  it.each<[string, Partial<ParcelFilter>, number[]]>([
    ['everything', {}, [1, 2, 3, 12]],
    ['one suggestion', { outcome: 'FAIL' }, [2]],
    ['part of a number', { text: '2' }, [2, 12]],
    ['part of a name', { text: ' 东 ' }, [1]],
    ['those that could not be read', { faulty: true }, [3]],
    ['those that do not conform with a rule', { rule: 'A' }, [2, 12]],
    ['those of a rule with one suggestion', { rule: 'B', outcome: 'VERIFY' }, [2]],
    ['nothing for a rule that there is not', { rule: 'Z' }, []],
  ])('finds %s', (_what, filter, found) => {
    expect(numbers(matching(PARCELS, { ...ALL_PARCELS, ...filter }))).toEqual(found)
  })

  it.each<ParcelFilter>([
    ALL_PARCELS,
    { outcome: 'COND', rule: 'CR05', text: '东区', faulty: true },
    { outcome: null, rule: 'CR05', text: '', faulty: false },
  ])('comes back from the address as it was', (filter) => {
    expect(readFilter(writeFilter(filter))).toEqual(filter)
  })

  it('takes nothing from an address that means nothing', () => {
    expect(readFilter({ outcome: 'GOOD', by: ['a'], faulty: '1' })).toEqual(ALL_PARCELS)
  })
})

describe('the order of parcels', () => {
  it('has the worst first, the largest first, and those without an area last', () => {
    expect(numbers(ordered(PARCELS, 'number'))).toEqual([1, 2, 3, 12])
    expect(numbers(ordered(PARCELS, 'overall'))).toEqual([2, 12, 3, 1])
    expect(numbers(ordered(PARCELS, 'area'))).toEqual([2, 12, 1, 3])
  })
})

describe('the summary by rule', () => {
  it('counts each parcel of each rule once', () => {
    const [a, b] = byRule(PARCELS)
    expect(a).toMatchObject({ rule: 'A', concerned: 2, missing: 0, outcomes: { FAIL: 1, COND: 1, VERIFY: 0, INFO: 0, PASS: 1 } })
    expect(b).toMatchObject({ rule: 'B', concerned: 0, missing: 1, outcomes: { FAIL: 0, COND: 0, VERIFY: 1, INFO: 0, PASS: 2 } })
    expect(Object.values(byOutcome(PARCELS)).reduce((sum, count) => sum + count)).toBe(PARCELS.length)
  })
})
