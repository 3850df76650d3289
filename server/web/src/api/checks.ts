/** Compliance checks that the server keeps, and the opinions on them. */

import type { Check, KeptPage, Opinion } from '../domain/check'
import type { Signable } from '../domain/opinion'
import { readBounded, readHead } from './bounded'
import { getAnswer, postAnswer } from './client'
import { resultsAddress } from './jobs'
import { list, numberOrNull, ofLink, record, text } from './read'
import { keptCheck, readCheck, readOpinion } from './readCheck'

/** The most of a check that a page reads; what is larger is downloaded. */
export const LARGEST_CHECK_BYTES = 96 * 1024 * 1024
const KEPT_ON_A_PAGE = 10

/** A check of more parcels than a page can hold. */
export class CheckTooLarge extends Error {
  /** Null: the server does not tell how many. */
  readonly parcels: number | null

  constructor(hash: string, parcels: number | null) {
    super(hash)
    this.parcels = parcels
  }
}

export const checkAddress = (hash: string): string => `/checks/${encodeURIComponent(hash)}`
export const opinionsAddress = (hash: string): string => `${checkAddress(hash)}/opinions`
export const verifyAddress = (hash: string, lang: string): string =>
  `/verify/${encodeURIComponent(hash)}?f=html&lang=${lang}`
export const opinionReportAddress = (id: string): string => `/opinions/${encodeURIComponent(id)}/report?f=docx`

/** A report; with *parcels*, the details of those alone. */
export function reportAddress(hash: string, form: 'json' | 'xlsx' | 'docx', parcels: readonly number[] = []): string {
  const chosen = parcels.length ? `&parcel=${parcels.join(',')}` : ''
  return `${checkAddress(hash)}/report?f=${form}${chosen}`
}

export async function fetchCheck(hash: string, signal: AbortSignal): Promise<Check> {
  const said = await readBounded(await getAnswer(checkAddress(hash), 'application/json', signal), LARGEST_CHECK_BYTES)
  if (said === null) {
    const facts: unknown = await (await getAnswer(`/verify/${encodeURIComponent(hash)}`, 'application/json', signal)).json()
    throw new CheckTooLarge(hash, numberOrNull(record(facts)['parcels']))
  }
  return readCheck(JSON.parse(said))
}

/** A check says its kind and its hash before anything else, whatever its output is called. */
const BEGINNING = /"kind":\s*"compliance_check",\s*"hash":\s*"([0-9a-f]{64})"/
const BEGINNING_BYTES = 2000

/** The hash of the check that a job has made; null: it made none. */
export async function fetchCheckHash(job: string, signal: AbortSignal): Promise<string | null> {
  const answer = await getAnswer(resultsAddress(job), 'application/json', signal)
  return BEGINNING.exec(await readHead(answer, BEGINNING_BYTES))?.[1] ?? null
}

/** The caller's own checks, the newest first. */
export async function fetchKept(cursor: string | null, signal: AbortSignal): Promise<KeptPage> {
  const address = `/checks?limit=${KEPT_ON_A_PAGE}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
  return readKept(await (await getAnswer(address, 'application/json', signal)).json())
}

export function readKept(json: unknown): KeptPage {
  const next = list(record(json)['links']).find((one) => ofLink(one, 'rel') === 'next')
  const address = text(ofLink(next, 'href'))
  return {
    checks: list(record(json)['checks']).map(keptCheck),
    cursor: address ? new URL(address, 'http://localhost').searchParams.get('cursor') : null,
  }
}

/** Commands that fetch a check and its reports; a check that was made without a key is fetched without one. */
export function fetchCommands(hash: string, origin: string, signedIn: boolean): string {
  const key = signedIn ? '-H "Authorization: Bearer $ONEMAP_KEY" ' : ''
  const fetched = (path: string, name: string): string => `curl -f -o ${name} ${key}'${origin}${path}'`
  return [
    fetched(checkAddress(hash), 'check.json'),
    fetched(reportAddress(hash, 'xlsx'), 'check.xlsx'),
    fetched(reportAddress(hash, 'docx'), 'check.docx'),
  ].join('\n')
}

export async function fetchOpinions(hash: string, signal: AbortSignal): Promise<readonly Opinion[]> {
  const answer = await getAnswer(opinionsAddress(hash), 'application/json', signal)
  return list(record(await answer.json())['opinions']).map(readOpinion)
}

export const sendOpinion = async (hash: string, opinion: Signable, csrf: string): Promise<Opinion> =>
  readOpinion(await (await postAnswer(opinionsAddress(hash), opinion, csrf)).json())
