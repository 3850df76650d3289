/** The schedules that the caller may see. */

import { JOB_STATES } from '../domain/job'
import type { LastRun, Schedule } from '../domain/schedule'
import { getAnswer, type Language } from './client'
import { list, record, text, textOrNull } from './read'

export async function fetchSchedules(lang: Language, signal: AbortSignal): Promise<readonly Schedule[]> {
  const answer = await getAnswer(`/catalogue/schedules?lang=${lang}`, 'application/json', signal)
  return readSchedules(await answer.json())
}

export const readSchedules = (json: unknown): readonly Schedule[] => list(record(json)['schedules']).map(schedule)

function schedule(json: unknown): Schedule {
  const said = record(json)
  return {
    id: text(said['id']),
    title: text(said['title']) || text(said['id']),
    process: text(said['process']),
    cron: text(said['cron']),
    key: textOrNull(said['key']),
    next: textOrNull(said['next']),
    last: said['last'] === null || said['last'] === undefined ? null : lastRun(record(said['last'])),
  }
}

const lastRun = (said: Readonly<Record<string, unknown>>): LastRun => ({
  job: text(said['jobID']),
  status: JOB_STATES.find((known) => known === said['status']) ?? null,
  created: textOrNull(said['created']),
})
