import { describe, expect, it } from 'vitest'
import { clock, depthOf, nextLook, workedFor, type Job } from './job'

const job = (started: string | null, finished: string | null): Job => ({
  id: 'x',
  process: 'p',
  status: 'running',
  message: '',
  progress: 1,
  created: null,
  started,
  finished,
  expires: null,
  schedule: null,
  steps: [],
  callbacks: [],
  errors: [],
  provenance: null,
})

describe('the time a job has worked', () => {
  const start = '2026-11-27T01:00:00.000Z'

  it('runs from its start to its end, or to now', () => {
    expect(workedFor(job(start, '2026-11-27T01:02:03.500Z'), 0)).toBe(123_500)
    expect(workedFor(job(start, null), Date.parse(start) + 4000)).toBe(4000)
  })

  it('is unknown before the start and never negative', () => {
    expect(workedFor(job(null, null), 0)).toBeNull()
    expect(workedFor(job('nonsense', null), 0)).toBeNull()
    expect(workedFor(job(start, null), Date.parse(start) - 4000)).toBe(0)
  })

  it('is written as a clock', () => {
    expect([0, 4999, 750_000, 3_723_000].map(clock)).toEqual(['0:00', '0:04', '12:30', '1:02:03'])
  })
})

describe('looking at a job', () => {
  it('begins a second apart and becomes rarer, five seconds at most', () => {
    const waits = Array.from({ length: 20 }, (_, looks) => nextLook(looks + 1))
    expect(waits[0]).toBe(1000)
    expect(waits.at(-1)).toBe(5000)
    expect([...waits].sort((a, b) => a - b)).toEqual(waits)
  })
})

describe('the place of a step', () => {
  it('is its depth in the request', () => {
    const step = (pointer: string) => ({ pointer, process: 'p', status: null, progress: null })
    expect(['', '/inputs/left', '/inputs/left/inputs/features'].map((pointer) => depthOf(step(pointer)))).toEqual([
      0, 1, 2,
    ])
  })
})
