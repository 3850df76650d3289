import { describe, expect, it } from 'vitest'
import { readJob } from '../../api/jobs'
import { decode, encode, interval, isNarrowed, matches, NONE, type Filters } from './filters'

const FULL: Filters = { status: 'failed', process: 'a-b', from: '2026-11-01', to: '2026-11-30', cursor: 'MTc2-_' }

describe('the filters of the job list', () => {
  it('are what their address says', () => {
    for (const filters of [NONE, FULL, { ...NONE, process: 'x' }]) expect(decode(encode(filters))).toEqual(filters)
    expect(decode({ status: 'asleep', from: 'yesterday', to: ['2026-11-01'], process: '' })).toEqual(NONE)
    expect(isNarrowed(NONE)).toBe(false)
    expect(isNarrowed({ ...NONE, cursor: 'x' })).toBe(false)
    expect(isNarrowed(FULL)).toBe(true)
  })

  it('leave the ends of a period open', () => {
    expect(interval(NONE)).toBeUndefined()
    expect(interval({ ...NONE, from: '2026-11-01' })).toBe('2026-11-01/..')
    expect(interval({ ...NONE, to: '2026-11-01' })).toBe('../2026-11-01')
  })

  it('take the date of a job in China', () => {
    const job = readJob({ jobID: 'x', processID: 'a-b', status: 'failed', created: '2026-10-31T16:00:00Z' })
    expect(matches(job, FULL)).toBe(true)
    expect(matches(job, { ...NONE, to: '2026-10-31' })).toBe(false)
    expect(matches(readJob({ jobID: 'x' }), { ...NONE, to: '2026-10-31' })).toBe(false)
    expect(matches(readJob({ jobID: 'x' }), NONE)).toBe(true)
  })
})
