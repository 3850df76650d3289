/** Jobs and their results. */

import { JOB_STATES, type Callback, type Job, type JobPage, type JobState, type Step } from '../domain/job'
import { readBounded } from './bounded'
import { deleteJob, getAnswer, getJob, getJobs, type JobsQuery } from './client'
import { list, memberOf, numberOrNull, ofLink, ofPointed, record, text, textOrNull } from './read'
import type { components } from './schema'

type Schemas = components['schemas']

/** What this server adds to the standard's document; absent where it does not apply. */
interface Additions {
  readonly expires: unknown
  readonly schedule: unknown
  readonly steps: unknown
  readonly errors: unknown
  readonly 'x-onemap': unknown
}

const ofStatus = memberOf<Schemas['StatusInfo'] & Additions>()
const ofJobs = memberOf<Schemas['Jobs']>()
const ofStep = memberOf<Step>()
const ofCallback = memberOf<Callback>()

const PROVENANCE = 'http://www.w3.org/ns/prov#has_provenance'

export const fetchJobs = async (query: JobsQuery, signal: AbortSignal): Promise<JobPage> =>
  readJobs(await getJobs(query, signal))
export const fetchJob = async (id: string, signal: AbortSignal): Promise<Job> => readJob(await getJob(id, signal))
export const dismissJob = async (id: string, csrf: string | null): Promise<Job> => readJob(await deleteJob(id, csrf))

export const jobAddress = (id: string): string => `/jobs/${encodeURIComponent(id)}`
export const resultsAddress = (id: string): string => `${jobAddress(id)}/results`
export const resultAddress = (id: string, output: string): string =>
  `${resultsAddress(id)}/${encodeURIComponent(output)}`

export function readJobs(json: unknown): JobPage {
  const next = list(ofJobs(json, 'links')).find((one) => ofLink(one, 'rel') === 'next')
  const address = text(ofLink(next, 'href'))
  return {
    jobs: list(ofJobs(json, 'jobs')).map(readJob),
    cursor: address ? new URL(address, 'http://localhost').searchParams.get('cursor') : null,
  }
}

export function readJob(json: unknown): Job {
  const ours = record(ofStatus(json, 'x-onemap'))
  const own = (name: 'expires' | 'schedule' | 'steps'): unknown => ofStatus(json, name) ?? ours[name]
  const provenance = list(ofStatus(json, 'links')).find((one) => ofLink(one, 'rel') === PROVENANCE)
  const href = text(ofLink(provenance, 'href'))
  return {
    id: text(ofStatus(json, 'jobID')),
    process: text(ofStatus(json, 'processID')),
    status: state(ofStatus(json, 'status')),
    message: text(ofStatus(json, 'message')),
    progress: numberOrNull(ofStatus(json, 'progress')),
    created: textOrNull(ofStatus(json, 'created')),
    started: textOrNull(ofStatus(json, 'started')),
    finished: textOrNull(ofStatus(json, 'finished')),
    expires: textOrNull(own('expires')),
    schedule: textOrNull(own('schedule')),
    steps: list(own('steps')).map(step),
    callbacks: list(ours['callbacks']).map(callback),
    errors: list(ofStatus(json, 'errors')).map((item) => ({
      pointer: text(ofPointed(item, 'pointer')),
      detail: text(ofPointed(item, 'detail')),
    })),
    provenance: /^https?:\/\//.test(href) ? href : null,
  }
}

const state = (value: unknown): JobState | null => JOB_STATES.find((known) => known === value) ?? null

const step = (json: unknown): Step => ({
  pointer: text(ofStep(json, 'pointer')),
  process: text(ofStep(json, 'process')),
  status: state(ofStep(json, 'status')),
  progress: numberOrNull(ofStep(json, 'progress')),
})

const callback = (json: unknown): Callback => ({
  id: text(ofCallback(json, 'id')),
  event: text(ofCallback(json, 'event')),
  uri: text(ofCallback(json, 'uri')),
  state: text(ofCallback(json, 'state')),
  attempts: numberOrNull(ofCallback(json, 'attempts')) ?? 0,
  problem: textOrNull(ofCallback(json, 'problem')),
  ended: textOrNull(ofCallback(json, 'ended')),
  next: textOrNull(ofCallback(json, 'next')),
})

/** What a job was asked. */
export interface Asked {
  readonly inputs: Readonly<Record<string, unknown>>
  /** The outputs that were asked for. */
  readonly outputs: readonly string[]
}

interface AskedDocument {
  readonly inputs: unknown
  readonly outputs: unknown
}

const ofAsked = memberOf<AskedDocument>()

export async function fetchAsked(id: string, signal: AbortSignal): Promise<Asked> {
  const json: unknown = await (await getAnswer(`${jobAddress(id)}/inputs`, 'application/json', signal)).json()
  return { inputs: record(ofAsked(json, 'inputs')), outputs: Object.keys(record(ofAsked(json, 'outputs'))) }
}

/** For whom a job works; null: the provenance names nobody. */
export interface Owner {
  readonly person: string
  readonly organisation: string
}

export const fetchOwner = async (id: string, signal: AbortSignal): Promise<Owner | null> =>
  readOwner(await (await getAnswer(`${jobAddress(id)}/prov`, 'application/json', signal)).json())

export function readOwner(provenance: unknown): Owner | null {
  const agents = Object.values(record(record(provenance)['agent'])).map(record)
  const nameOf = (type: string): string => {
    const found = record(agents.find((agent) => typeText(agent['prov:type']) === type))
    return text(found['om:name'])
  }
  const [person, organisation] = [nameOf('prov:Person'), nameOf('prov:Organization')]
  return person || organisation ? { person, organisation } : null
}

/** PROV-JSON writes a type as text or as `{"$": text, "type": …}`. */
const typeText = (type: unknown): string => text(type) || text(record(type)['$'])

/** One output as the server gave it. */
export interface Output {
  /** Null: the only one of a raw answer, whose name the answer does not tell. */
  readonly name: string | null
  readonly value: unknown
}

export type Results =
  | { readonly kind: 'outputs'; readonly outputs: readonly Output[] }
  /** More than a page should read: to be downloaded. */
  | { readonly kind: 'large'; readonly bytes: number | null }
  /** Several raw outputs in one answer, or bytes that are no text. */
  | { readonly kind: 'opaque'; readonly type: string }

/** What a page reads at most. */
export const LARGEST_BYTES = 8 * 1024 * 1024

/** The results of a job; *names* are the outputs that its process has: they tell a document from a raw value. */
export async function fetchResults(id: string, names: readonly string[], signal: AbortSignal): Promise<Results> {
  const answer = await getAnswer(resultsAddress(id), 'application/json, */*;q=0.5', signal)
  if (answer.status === 204) return { kind: 'outputs', outputs: referred(answer.headers.get('Link') ?? '', names) }
  const type = answer.headers.get('Content-Type') ?? ''
  if (!/^text\/|json/.test(type)) {
    await answer.body?.cancel()
    return { kind: 'opaque', type: type.split(';')[0] ?? '' }
  }
  const said = await readBounded(answer, LARGEST_BYTES)
  if (said === null) return { kind: 'large', bytes: Number(answer.headers.get('Content-Length')) || null }
  const value: unknown = /json/.test(type) ? JSON.parse(said) : said
  return { kind: 'outputs', outputs: outputsOf(value, names) }
}

/** A document has an entry for each output; anything else is one output as it is. */
export function outputsOf(value: unknown, names: readonly string[]): readonly Output[] {
  const entries = Object.entries(record(value))
  const isDocument = entries.length > 0 && entries.every(([name]) => names.includes(name))
  if (!isDocument) return [{ name: names.length === 1 ? (names[0] ?? null) : null, value }]
  return entries.map(([name, said]) => ({ name, value: unqualified(said) }))
}

/** Objects come with their media type around them (18-062r2, 7.11.4). */
function unqualified(value: unknown): unknown {
  const { value: inner, mediaType } = record(value)
  return typeof mediaType === 'string' && inner !== undefined ? inner : value
}

/** The links that stand for outputs whose values were not asked for. */
function referred(header: string, names: readonly string[]): readonly Output[] {
  return [...header.matchAll(/<([^>]+)>;\s*rel="([^"]+)"(?:;\s*type="([^"]*)")?/g)]
    .filter(([, , rel = '']) => names.includes(rel))
    .map(([, href, name = '', type = '']) => ({ name, value: { href, type } }))
}
