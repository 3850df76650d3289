/** What narrows the list of jobs, and its codec from and to the address. */

import { JOB_STATES, type Job, type JobState } from '../../domain/job'
import { isoDate } from '../../domain/date'

export interface Filters {
  readonly status: JobState | null
  readonly process: string | null
  /** Dates of creation, both included, in China. */
  readonly from: string | null
  readonly to: string | null
  /** Where the page begins; null: at the newest. */
  readonly cursor: string | null
}

export const NONE: Filters = { status: null, process: null, from: null, to: null, cursor: null }

const DATE = /^\d{4}-\d{2}-\d{2}$/
const NAME = /^[\w.:-]{1,200}$/

export function decode(query: Readonly<Record<string, unknown>>): Filters {
  const read = (name: keyof Filters, pattern: RegExp): string | null => {
    const text = query[name]
    return typeof text === 'string' && pattern.test(text) ? text : null
  }
  return {
    status: JOB_STATES.find((state) => state === query['status']) ?? null,
    process: read('process', NAME),
    from: read('from', DATE),
    to: read('to', DATE),
    cursor: read('cursor', /^[\w-]+$/),
  }
}

export const encode = (filters: Filters): Record<string, string> =>
  Object.fromEntries(Object.entries(filters).filter((entry): entry is [string, string] => entry[1] !== null))

/** The interval as the server takes it; undefined: not narrowed. */
export function interval({ from, to }: Filters): string | undefined {
  return from === null && to === null ? undefined : `${from ?? '..'}/${to ?? '..'}`
}

export const isNarrowed = ({ status, process, from, to }: Filters): boolean =>
  [status, process, from, to].some((value) => value !== null)

/** Whether a job of this browser's own list is among those asked for. */
export function matches(job: Job, { status, process, from, to }: Filters): boolean {
  const day = isoDate(job.created) ?? ''
  return (
    (status === null || job.status === status) &&
    (process === null || job.process === process) &&
    (from === null || day >= from) &&
    (to === null || (day !== '' && day <= to))
  )
}
