/** The only place that talks to the server. Failures leave as `Failure`, never as a bare Response. */

import createClient from 'openapi-fetch'
import { list, ofPointed, ofProblem, text } from './read'
import type { components, paths } from './schema'

export interface PointedError {
  readonly pointer: string
  readonly detail: string
}

/** An answer of RFC 9457, or what came instead of one. */
export interface Problem {
  readonly kind: 'problem'
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly errors: readonly PointedError[]
  readonly requestId: string | null
  /** Seconds after which the server may be asked again; null where it does not say. */
  readonly retryAfter: number | null
}

/** The server could not be reached at all. */
export interface Unreachable {
  readonly kind: 'unreachable'
}

export class Failure extends Error {
  readonly reason: Problem | Unreachable

  constructor(cause: Problem | Unreachable) {
    super(cause.kind === 'problem' ? `${cause.status} ${cause.code}` : 'unreachable')
    this.reason = cause
  }
}

export type JobState = components['schemas']['StatusInfo']['status']

export type Language = 'zh' | 'en'

const send = async (request: Request | string, signal?: AbortSignal): Promise<Response> => {
  try {
    return await fetch(request, { credentials: 'same-origin', ...(signal && { signal }) })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new Failure({ kind: 'unreachable' })
  }
}

export const client = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? '',
  fetch: (request) => send(request),
  // `bbox=1,2,3,4`: the server takes each parameter once.
  querySerializer: { array: { style: 'form', explode: false } },
})

interface Answered {
  readonly data?: unknown
  readonly error?: unknown
  readonly response: Response
}

/** What the server answered, with its header; a `Failure` where it said no. */
export async function answered(answer: Promise<Answered>): Promise<Answered> {
  const { data, error, response } = await answer
  if (!response.ok) throw new Failure(readProblem(error, response))
  return { data, response }
}

export const body = async (answer: Promise<Answered>): Promise<unknown> => (await answered(answer)).data

export function readProblem(json: unknown, response: Pick<Response, 'status' | 'headers'>): Problem {
  const errors = list(ofProblem(json, 'errors'))
  const after = response.headers.get('Retry-After') ?? ''
  return {
    kind: 'problem',
    status: response.status,
    code: text(ofProblem(json, 'code')),
    detail: text(ofProblem(json, 'detail')),
    errors: errors.map((item) => ({
      pointer: text(ofPointed(item, 'pointer')),
      detail: text(ofPointed(item, 'detail')),
    })),
    requestId: response.headers.get('X-Request-Id'),
    retryAfter: /^\d{1,6}$/.test(after) ? Number(after) : null,
  }
}

export const getCollections = (lang: Language) =>
  body(client.GET('/collections', { params: { query: { lang, limit: 1000 } } }))

export const getCollection = (collectionId: string, lang: Language) =>
  body(client.GET('/collections/{collectionId}', { params: { path: { collectionId }, query: { lang } } }))

export const getItems = (
  collectionId: string,
  bbox: readonly [number, number, number, number],
  limit: number,
  signal: AbortSignal,
) =>
  body(
    client.GET('/collections/{collectionId}/items', {
      params: { path: { collectionId }, query: { bbox: [...bbox], limit } },
      signal,
    }),
  )

export const getItem = (collectionId: string, featureId: string, signal: AbortSignal) =>
  body(
    client.GET('/collections/{collectionId}/items/{featureId}', {
      params: { path: { collectionId, featureId } },
      signal,
    }),
  )

export const getStyle = (styleId: string, lang: Language) =>
  body(client.GET('/styles/{styleId}', { params: { path: { styleId }, query: { lang, f: 'mapbox' } } }))

export interface JobsQuery {
  readonly limit: number
  readonly status?: readonly JobState[]
  readonly processID?: readonly string[]
  readonly datetime?: string
  readonly cursor?: string
}

export const getJobs = ({ status, processID, ...query }: JobsQuery, signal: AbortSignal) =>
  body(
    client.GET('/jobs', {
      params: {
        query: { ...query, ...(status && { status: [...status] }), ...(processID && { processID: [...processID] }) },
      },
      signal,
    }),
  )
export const getJob = (jobId: string, signal: AbortSignal) =>
  body(client.GET('/jobs/{jobId}', { params: { path: { jobId } }, signal }))
export const deleteJob = (jobId: string, csrf: string | null) =>
  body(
    client.DELETE('/jobs/{jobId}', {
      params: { path: { jobId }, ...(csrf !== null && { header: { 'X-CSRF-Token': csrf } }) },
    }),
  )

/** An answer of any kind as it comes; only its status has been looked at. */
export async function getAnswer(url: string, accept: string, signal: AbortSignal): Promise<Response> {
  const response = await send(new Request(url, { headers: { Accept: accept } }), signal)
  if (response.ok) return response
  throw new Failure(readProblem(await response.json().catch(() => null), response))
}

/** JSON sent to a route; the answer as it comes, only its status has been looked at. */
export async function postAnswer(url: string, json: unknown, csrf: string | null, signal?: AbortSignal): Promise<Response> {
  const headers = { 'Content-Type': 'application/json', ...(csrf !== null && { 'X-CSRF-Token': csrf }) }
  const request = new Request(new URL(url, location.origin), { method: 'POST', headers, body: JSON.stringify(json) })
  const response = await send(request, signal)
  if (response.ok) return response
  throw new Failure(readProblem(await response.json().catch(() => null), response))
}

export const getSession = () => body(client.GET('/session'))
export const postSession = (key: string) => body(client.POST('/session', { body: { key } }))
export const deleteSession = (csrf: string) =>
  body(client.DELETE('/session', { params: { header: { 'X-CSRF-Token': csrf } } }))

/** The bytes of one tile; an empty buffer where the server says that there is nothing (204). */
export async function getTile(url: string, signal: AbortSignal): Promise<ArrayBuffer> {
  const response = await send(url, signal)
  if (response.ok) return response.status === 204 ? new ArrayBuffer(0) : response.arrayBuffer()
  throw new Failure(readProblem(await response.json().catch(() => null), response))
}
