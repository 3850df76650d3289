/** One job, asked for again until it has ended; it waits while nobody looks at the page. */

import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, watch, type ComputedRef } from 'vue'
import { Failure } from '../../api/client'
import { dismissJob, fetchJob } from '../../api/jobs'
import { announce } from '../../app/announce'
import { forgetJob, keepJob } from '../../app/ownJobs'
import { useSession } from '../../app/session'
import { isUnfinished, nextLook, type Job } from '../../domain/job'
import { said } from './words'

export const isGone = (error: unknown): boolean =>
  error instanceof Failure && error.reason.kind === 'problem' && error.reason.status === 404

export function useJob(id: ComputedRef<string>) {
  const queries = useQueryClient()
  const { session, known } = useSession()
  const query = useQuery({
    queryKey: ['job', id],
    queryFn: ({ signal }) => fetchJob(id.value, signal),
    refetchInterval: ({ state }) =>
      isGone(state.error) || (state.data && !isUnfinished(state.data)) ? false : nextLook(state.dataUpdateCount),
    refetchOnWindowFocus: true,
    staleTime: 0,
  })
  const gone = computed(() => isGone(query.error.value))
  const job = computed<Job | null>(() => (gone.value ? null : (query.data.value ?? null)))

  watch(
    [job, known],
    () => {
      if (job.value && known.value && !session.value.authenticated) keepJob(job.value.id)
    },
    { immediate: true },
  )
  watch(gone, (is) => is && forgetJob(id.value), { immediate: true })
  watch(job, (now, before) => {
    if (!now || before?.id !== now.id || !isUnfinished(before) || isUnfinished(now)) return
    announce(said.value.job.ended(said.value.states[now.status ?? 'unknown']))
    void queries.invalidateQueries({ queryKey: ['running'] })
  })

  async function dismiss(): Promise<void> {
    const csrf = session.value.authenticated ? session.value.csrf : null
    queries.setQueryData(['job', id.value], await dismissJob(id.value, csrf))
    await queries.invalidateQueries({ queryKey: ['running'] })
    await queries.invalidateQueries({ queryKey: ['jobs'] })
  }

  return { query, job, gone, dismiss }
}
