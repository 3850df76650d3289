import { describe, expect, it } from 'vitest'
import type { ManualItem, Opinion } from './check'
import { asksText, emptyOpinion, openText, opinionFaults, reviveOpinion, signable, standing, type OpinionDraft } from './opinion'

const TODAY = '2026-11-27'
const ITEM: ManualItem = { rule: 'M1', title: { zh: '', en: '' }, reason: { zh: '', en: '' }, choices: [] }
const WHOLE: OpinionDraft = {
  ...emptyOpinion(TODAY),
  conclusion: 'COND',
  text: ' 同意 ',
  number: '1号',
  answers: { M1: { outcome: 'PASS', text: ' 已核 ' } },
  documents: ['report'],
}

const OPEN: ManualItem = { ...ITEM, choices: [{ outcome: 'PASS', text: '符合{plan}' }, { outcome: 'FAIL', text: '不符合' }] }
const signed = (id: string, parcels: readonly number[] | null) => ({ id, parcels }) as Opinion

describe('an opinion', () => {
  it('on one parcel is never one on all of them', () => {
    const draft = { ...WHOLE, onlyThis: true }
    expect([...opinionFaults(draft, [ITEM], null)]).toEqual(['scope'])
    expect(signable(draft, [ITEM], null, [])).toBeNull()
  })

  it('names the newest one that speaks of the same parcels', () => {
    const earlier = [signed('a', null), signed('b', [1, 2]), signed('c', [3])]
    expect(standing(earlier, [2])?.id).toBe('b')
    expect(standing(earlier, [7])?.id).toBe('a')
    expect(standing(earlier, null)?.id).toBe('c')
    expect(standing([signed('c', [3])], [2])).toBeNull()
    expect(signable(WHOLE, [ITEM], 7, earlier)?.supersedes).toBe('c')
    expect(signable({ ...WHOLE, onlyThis: true }, [ITEM], 7, earlier)?.supersedes).toBe('a')
  })

  it('says in its own words what a choice leaves open', () => {
    const bare = { ...WHOLE, answers: { M1: { outcome: 'PASS', text: ' ' } } }
    expect(openText('缺少{item}，{plan}')).toBe('缺少……，……')
    expect(asksText(OPEN, 'FAIL')).toBe(false)
    expect([...opinionFaults(bare, [OPEN], 1)]).toEqual(['note'])
    expect([...opinionFaults(bare, [ITEM], 1)]).toEqual([])
    expect([...opinionFaults(WHOLE, [OPEN], 1)]).toEqual([])
  })

  it('is signed with every answer and names what was verified', () => {
    expect(signable(WHOLE, [ITEM], 7, [])).toEqual({
      parcels: null,
      conclusion: 'COND',
      text: '同意',
      document_number: '1号',
      document_date: TODAY,
      manual: [{ rule: 'M1', outcome: 'PASS', text: '已核' }],
      documents: { report: 'verified' },
      supersedes: null,
    })
    expect(signable({ ...WHOLE, onlyThis: true }, [ITEM], 7, [])?.parcels).toEqual([7])
  })

  it('is not signed while something is missing', () => {
    expect([...opinionFaults(emptyOpinion(''), [ITEM], 1)]).toEqual(['conclusion', 'text', 'date', 'manual'])
    expect(signable({ ...WHOLE, answers: {} }, [ITEM], null, [])).toBeNull()
    expect(signable({ ...WHOLE, conclusion: 'GOOD' }, [], null, [])).toBeNull()
  })

  it('that was kept comes back as far as it still fits', () => {
    expect(reviveOpinion(JSON.parse(JSON.stringify(WHOLE)), TODAY)).toEqual(WHOLE)
    expect(reviveOpinion({ text: 3, answers: [] }, TODAY)).toEqual(emptyOpinion(TODAY))
    expect(reviveOpinion(null, TODAY)).toEqual(emptyOpinion(TODAY))
  })
})
