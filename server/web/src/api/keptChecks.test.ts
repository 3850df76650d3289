import { afterEach, describe, expect, it, vi } from 'vitest'
import { CheckTooLarge, fetchCheck, fetchCheckHash, fetchCommands, LARGEST_CHECK_BYTES, readKept } from './checks'

const NEVER = new AbortController().signal
const HASH = '9f3c'.repeat(16)
const BLOCK = new TextEncoder().encode(' '.repeat(1024 * 1024))

/** An answer that goes on for *bytes* after its beginning, packed as servers send it; how much of it was taken. */
function serve(beginning: string, bytes = 0) {
  const sent = { bytes: 0, cancelled: false }
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(new TextEncoder().encode(beginning)),
      pull: (controller) => {
        if (sent.bytes >= bytes) return controller.close()
        sent.bytes += BLOCK.length
        controller.enqueue(BLOCK)
      },
      cancel: () => void (sent.cancelled = true),
    },
    { highWaterMark: 0 },
  )
  const headers = { 'Content-Type': 'application/json', 'Content-Encoding': 'zstd', 'Content-Length': '4711' }
  vi.stubGlobal('fetch', (request: Request) =>
    Promise.resolve(/verify/.test(request.url) ? new Response('{"parcels": 10000}') : new Response(body, { headers })),
  )
  return sent
}
afterEach(() => vi.unstubAllGlobals())

describe('a check that the server keeps', () => {
  it('is read where a page can hold it', async () => {
    serve(`{"kind": "compliance_check", "hash": "${HASH}", "parcels": []}`)
    expect((await fetchCheck(HASH, NEVER)).hash).toBe(HASH)
  })

  it('is too large by what it unpacks to, however little was sent', async () => {
    const sent = serve('{', LARGEST_CHECK_BYTES * 2)
    await expect(fetchCheck(HASH, NEVER)).rejects.toEqual(new CheckTooLarge(HASH, 10_000))
    expect(sent.bytes).toBeLessThan(LARGEST_CHECK_BYTES + 2 * BLOCK.length)
    expect(sent.cancelled).toBe(true)
  })

  it.each(['', '{"result": {"value": '])('is found by how the result of its job begins: %s', async (before) => {
    const sent = serve(`${before}{"kind":"compliance_check","hash":"${HASH}","parcels":[`, LARGEST_CHECK_BYTES * 2)
    expect(await fetchCheckHash('j', NEVER)).toBe(HASH)
    expect(sent.bytes).toBeLessThanOrEqual(2 * BLOCK.length)
    expect(sent.cancelled).toBe(true)
  })

  it('is none where a job made something else', async () => {
    serve(`{"kind":"other","hash":"${HASH}"}`)
    expect(await fetchCheckHash('j', NEVER)).toBeNull()
  })

  it('is fetched from a command line with a key only where there is one', () => {
    expect(fetchCommands(HASH, 'http://h', true).match(/Bearer \$ONEMAP_KEY/g)).toHaveLength(3)
    expect(fetchCommands(HASH, 'http://h', false)).not.toContain('Authorization')
    expect(fetchCommands(HASH, 'http://h', false)).toContain(`'http://h/checks/${HASH}/report?f=docx'`)
  })
})

describe('the list of one’s own checks', () => {
  it('tells what was checked, suggested and signed, and where it goes on', () => {
    const check = {
      hash: HASH,
      profile: { title: { zh: '预审选址', en: 'Site' } },
      project: { name: '工业园', code: null },
      check_date: '2026-03-05',
      parcels: 12,
      overall: 'COND',
      opinions: 2,
      conclusion: 'PASS',
      kept_at: '2026-03-05T01:02:03Z',
    }
    const links = [{ rel: 'next', href: 'http://h/checks?limit=10&cursor=abc' }]
    expect(readKept({ checks: [check, { project: {}, overall: '?' }], links })).toEqual({
      cursor: 'abc',
      checks: [
        {
          hash: HASH,
          matter: { zh: '预审选址', en: 'Site' },
          project: '工业园',
          checkDate: '2026-03-05',
          keptAt: '2026-03-05T01:02:03Z',
          parcels: 12,
          overall: 'COND',
          opinions: 2,
          conclusion: 'PASS',
        },
        expect.objectContaining({ project: null, parcels: null, overall: 'VERIFY', conclusion: null }) as unknown,
      ],
    })
    expect(readKept({}).cursor).toBeNull()
  })
})
