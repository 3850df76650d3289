import { describe, expect, it, vi } from 'vitest'
import { Failure, readProblem } from './client'
import { patiently } from './patience'

const refusal = (status: number, headers: Record<string, string> = {}): Failure =>
  new Failure(readProblem({ code: 'Overloaded' }, { status, headers: new Headers(headers) }))
const BUSY = refusal(503, { 'Retry-After': '2' })
const never = new AbortController().signal

function server(...answers: readonly (string | Failure)[]) {
  let turn = 0
  const ask = vi.fn(() => {
    const answer = answers[Math.min(turn++, answers.length - 1)]
    return answer instanceof Failure ? Promise.reject(answer) : Promise.resolve(answer)
  })
  const waits: number[] = []
  const wait = (milliseconds: number): Promise<void> => {
    waits.push(milliseconds)
    return Promise.resolve()
  }
  return { ask, wait, waits }
}

describe('a busy server', () => {
  it('is asked again after the time it names, and not before', async () => {
    const { ask, wait, waits } = server(BUSY, BUSY, 'tile')
    await expect(patiently(ask, never, wait)).resolves.toBe('tile')
    expect(ask).toHaveBeenCalledTimes(3)
    expect(waits).toHaveLength(2)
    for (const waited of waits) expect(waited).toBeGreaterThanOrEqual(2000)
  })

  it('is given up after a few times', async () => {
    const { ask, wait } = server(BUSY)
    await expect(patiently(ask, never, wait)).rejects.toBe(BUSY)
    expect(ask).toHaveBeenCalledTimes(4)
  })

  it.each([
    ['names no time', refusal(503)],
    ['names an absurd time', refusal(503, { 'Retry-After': '86400' })],
    ['names a date', refusal(503, { 'Retry-After': 'Fri, 27 Nov 2026 00:00:00 GMT' })],
    ['fails otherwise', refusal(500, { 'Retry-After': '1' })],
    ['is not there', new Failure({ kind: 'unreachable' })],
  ])('is not asked again when it %s', async (_why, failure) => {
    const { ask, wait } = server(failure)
    await expect(patiently(ask, never, wait)).rejects.toBe(failure)
    expect(ask).toHaveBeenCalledTimes(1)
  })

  it('is left alone when nobody waits any more', async () => {
    const gone = new AbortController()
    const { ask } = server(BUSY, 'tile')
    const answer = patiently(ask, gone.signal)
    gone.abort(new DOMException('gone', 'AbortError'))
    await expect(answer).rejects.toThrow('gone')
    expect(ask).toHaveBeenCalledTimes(1)
  })
})
