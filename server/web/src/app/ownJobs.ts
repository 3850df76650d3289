/**
 * The jobs that this browser has looked at while nobody was signed in: the server lists such jobs to nobody, who knows
 * their id may see them. Kept on this device until they are gone or forgotten.
 */

import { shallowRef } from 'vue'
import { recall, remember } from './memory'

const NAME = 'jobs'
const MOST = 50
const ID = /^[\w-]{1,64}$/

/** Their ids, the newest first. */
export const ownJobs = shallowRef(stored(recall(NAME)))

// Another window of this browser has opened or forgotten one.
addEventListener('storage', ({ key }) => {
  if (key === null || key.endsWith(`.${NAME}`)) ownJobs.value = stored(recall(NAME))
})

/** Keeps a job; the oldest beyond fifty are forgotten. */
export function keepJob(id: string): void {
  if (!ownJobs.value.includes(id)) write([id, ...ownJobs.value].slice(0, MOST))
}

export const forgetJob = (gone: string): void => write(ownJobs.value.filter((id) => id !== gone))

function write(ids: readonly string[]): void {
  ownJobs.value = ids
  remember(NAME, ids.join(' '))
}

function stored(kept: string | null): readonly string[] {
  return (kept ?? '').split(' ').filter((id) => ID.test(id))
}
