/** Jobs: what was started, how far it is, how it ended. */

export type JobState = 'accepted' | 'running' | 'successful' | 'failed' | 'dismissed'

export const JOB_STATES: readonly JobState[] = ['accepted', 'running', 'successful', 'failed', 'dismissed']

/** One process of a tree of processes; its pointer says where in the request it stands, the empty one is the whole. */
export interface Step {
  readonly pointer: string
  readonly process: string
  readonly status: JobState | null
  readonly progress: number | null
}

/** A notice to another system about this job. */
export interface Callback {
  readonly id: string
  readonly event: string
  readonly uri: string
  readonly state: string
  readonly attempts: number
  readonly problem: string | null
  readonly ended: string | null
  readonly next: string | null
}

/** What was wrong with a place of the request. */
export interface InputError {
  readonly pointer: string
  /** The server explains in English. */
  readonly detail: string
}

export interface Job {
  readonly id: string
  readonly process: string
  /** Null: this page does not know the word that the server used. */
  readonly status: JobState | null
  readonly message: string
  readonly progress: number | null
  readonly created: string | null
  readonly started: string | null
  readonly finished: string | null
  readonly expires: string | null
  /** The schedule that made it; null: somebody did. */
  readonly schedule: string | null
  readonly steps: readonly Step[]
  readonly callbacks: readonly Callback[]
  /** Why it failed, where its inputs are why; lists of jobs do not tell. */
  readonly errors: readonly InputError[]
  /** Where its provenance is told, on this server; null: nowhere. */
  readonly provenance: string | null
}

export interface JobPage {
  readonly jobs: readonly Job[]
  /** Where the next page begins; null: this is the last. */
  readonly cursor: string | null
}

/** Accepted or running: it may still change. */
export const isUnfinished = ({ status }: Job): boolean => status === 'accepted' || status === 'running'

/** How long the job has worked, in milliseconds: from its start to its end or *now*; null before it starts. */
export function workedFor({ started, finished }: Job, now: number): number | null {
  if (started === null) return null
  const span = (finished === null ? now : Date.parse(finished)) - Date.parse(started)
  return Number.isNaN(span) ? null : Math.max(0, span) // clocks differ: no time before the start
}

/** `0:04`, `12:30`, `1:02:03`. */
export function clock(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000)
  const two = (value: number): string => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}

/** When to ask again: after a second at first, then less and less often, five seconds apart at most. */
export const nextLook = (looks: number): number => Math.min(5000, Math.round(1000 * 1.3 ** Math.max(0, looks - 1)))

/** Depth of a step in the tree: how many processes it lies within. */
export const depthOf = ({ pointer }: Step): number => pointer.split('/inputs/').length - 1
