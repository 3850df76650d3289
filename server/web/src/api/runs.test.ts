import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fetchRefusal, JobFailed, run, runToEnd, waitForJob } from './runs'

const NEVER = new AbortController().signal
const answer = (json: unknown, status = 200): Response =>
  new Response(JSON.stringify(json), { status, headers: { 'Content-Type': 'application/json' } })
const job = (status: string) => answer({ jobID: 'j', processID: 'p', status, message: 'why' })

function serve(...answers: readonly Response[]) {
  const waiting = [...answers]
  const fetched = vi.fn((_request: Request | string) => Promise.resolve(waiting.shift() ?? job('running')))
  vi.stubGlobal('fetch', fetched)
  return fetched
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('a run', () => {
  it('that is done at once gives its outputs without what is around them', async () => {
    const fetched = serve(answer({ a: { value: { x: 1 }, mediaType: 'application/json' }, b: 2 }))
    expect(await run('p', { inputs: { q: 1 } }, 'token', NEVER)).toEqual({ kind: 'done', outputs: { a: { x: 1 }, b: 2 } })
    const [request] = fetched.mock.calls[0] as [Request]
    expect(request.headers.get('X-CSRF-Token')).toBe('token')
    expect(await request.json()).toEqual({ inputs: { q: 1 }, response: 'document' })
  })

  it('that takes longer is a job that is looked at until its outputs are there', async () => {
    serve(answer({ jobID: 'j' }, 201), job('running'), job('successful'), answer({ a: 1 }))
    const outputs = runToEnd('p', { inputs: {} }, null, NEVER)
    await vi.runAllTimersAsync()
    expect(await outputs).toEqual({ a: 1 })
  })

  it('that was refused tells where, and one that failed otherwise nothing', async () => {
    const errors = [{ pointer: '/inputs/crs', detail: 'is required' }]
    serve(answer({ code: 'InvalidBody', errors }, 400), answer({ code: 'NoApplicableCode' }, 500), answer({ a: 1 }))
    expect(await fetchRefusal('j', NEVER)).toEqual(errors)
    expect(await fetchRefusal('j', NEVER)).toEqual([])
    expect(await fetchRefusal('j', NEVER)).toEqual([])
  })

  it('that fails says why', async () => {
    serve(job('running'), job('failed'))
    const looks: unknown[] = []
    const ended = waitForJob('j', NEVER, ({ status }) => looks.push(status)).catch((error: unknown) => error)
    await vi.runAllTimersAsync()
    const error = await ended
    expect(error).toBeInstanceOf(JobFailed)
    expect((error as JobFailed).job.message).toBe('why')
    expect(looks).toEqual(['running', 'failed'])
  })

  it('is not looked at any more once nobody waits', async () => {
    const fetched = serve()
    const stop = new AbortController()
    const ended = waitForJob('j', stop.signal).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(1)
    stop.abort()
    await vi.runAllTimersAsync()
    expect(await ended).toBeInstanceOf(DOMException)
    expect(fetched).toHaveBeenCalledTimes(1)
  })
})
