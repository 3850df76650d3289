/** Schedules: what runs by itself, when next, and what became of the last run. */

import type { JobState } from './job'

export interface LastRun {
  readonly job: string
  readonly status: JobState | null
  readonly created: string | null
}

export interface Schedule {
  readonly id: string
  readonly title: string
  readonly process: string
  /** Minute, hour, day of month, month, day of week, in China. */
  readonly cron: string
  /** The key in whose name it runs; null: the system. */
  readonly key: string | null
  /** In the past where it waits for room. */
  readonly next: string | null
  /** Null: it has not run, or nothing of it is kept. */
  readonly last: LastRun | null
}
