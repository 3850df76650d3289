/** Running a process and waiting for what it gives: at once where it is quick, else as a job that is looked at again. */

import { isUnfinished, nextLook, type Job } from '../domain/job'
import { Failure, getAnswer, postAnswer, type PointedError } from './client'
import { fetchJob, resultsAddress } from './jobs'
import { memberOf, record, text } from './read'
import type { components } from './schema'

const ofStatus = memberOf<components['schemas']['StatusInfo']>()

export type Run =
  | { readonly kind: 'done'; readonly outputs: Readonly<Record<string, unknown>> }
  | { readonly kind: 'job'; readonly id: string }

/** What is asked of a process; without *outputs* all of them. */
export interface Order {
  readonly inputs: unknown
  readonly outputs?: Readonly<Record<string, object>>
}

/** Its outputs where the server has them within its own patience, else the job that goes on. */
export async function run(processId: string, order: Order, csrf: string | null, signal: AbortSignal): Promise<Run> {
  const address = `/processes/${encodeURIComponent(processId)}/execution`
  const answer = await postAnswer(address, { ...order, response: 'document' }, csrf, signal)
  const json: unknown = await answer.json()
  return answer.status === 201 ? { kind: 'job', id: text(ofStatus(json, 'jobID')) } : { kind: 'done', outputs: plain(json) }
}

/** The outputs of a job that has succeeded. */
export async function fetchOutputs(job: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
  const answer = await getAnswer(resultsAddress(job), 'application/json', signal)
  return plain(await answer.json())
}

export class JobFailed extends Error {
  readonly job: Job

  constructor(job: Job) {
    super(job.message)
    this.job = job
  }
}

/** What a job that failed found wrong with its inputs; empty where that was not why. */
export async function fetchRefusal(job: string, signal: AbortSignal): Promise<readonly PointedError[]> {
  try {
    await (await getAnswer(resultsAddress(job), 'application/json', signal)).body?.cancel()
    return []
  } catch (error) {
    return error instanceof Failure && error.reason.kind === 'problem' ? error.reason.errors : []
  }
}

/** Looks at a job until it has ended; tells each look. */
export async function waitForJob(id: string, signal: AbortSignal, tell: (job: Job) => void = () => undefined): Promise<void> {
  for (let looks = 1; ; looks += 1) {
    const job = await fetchJob(id, signal)
    tell(job)
    if (job.status === 'successful') return
    if (!isUnfinished(job)) throw new JobFailed(job)
    await pause(nextLook(looks), signal)
  }
}

/** Runs to the end, whatever it takes. */
export async function runToEnd(processId: string, order: Order, csrf: string | null, signal: AbortSignal) {
  const found = await run(processId, order, csrf, signal)
  if (found.kind === 'done') return found.outputs
  await waitForJob(found.id, signal)
  return fetchOutputs(found.id, signal)
}

/** Objects come with their media type around them (18-062r2, 7.11.4). */
const plain = (json: unknown): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(record(json)).map(([name, said]) => {
      const { value, mediaType } = record(said)
      return [name, typeof mediaType === 'string' && value !== undefined ? value : said]
    }),
  )

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    })
  })
}
