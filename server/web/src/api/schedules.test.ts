import { describe, expect, it } from 'vitest'
import { readSchedules } from './schedules'

describe('schedules', () => {
  it('are read with their last run', () => {
    const last = { jobID: 'j', status: 'failed', created: '2026-11-27T00:00:00Z', href: 'http://h/jobs/j' }
    const said = { id: 'a', title: '每夜', process: 'echo', cron: '0 3 * * *', key: null, next: '2026-11-28T00:00:00Z', last }
    expect(readSchedules({ schedules: [said] })).toEqual([
      {
        id: 'a',
        title: '每夜',
        process: 'echo',
        cron: '0 3 * * *',
        key: null,
        next: '2026-11-28T00:00:00Z',
        last: { job: 'j', status: 'failed', created: '2026-11-27T00:00:00Z' },
      },
    ])
  })

  it('have no last run before the first, and are none where the server tells none', () => {
    expect(readSchedules({ schedules: [{ id: 'a', last: null }] })[0]).toMatchObject({ title: 'a', last: null })
    expect(readSchedules({})).toEqual([])
  })
})
