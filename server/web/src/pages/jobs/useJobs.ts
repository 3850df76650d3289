/** The list of jobs: the server's for who has signed in, else those that this browser has opened. */

import { keepPreviousData, useQueries, useQuery } from '@tanstack/vue-query'
import { computed, watch, type ComputedRef } from 'vue'
import { fetchJob, fetchJobs } from '../../api/jobs'
import { forgetJob, ownJobs } from '../../app/ownJobs'
import { useSession } from '../../app/session'
import { isUnfinished, type Job } from '../../domain/job'
import { interval, matches, type Filters } from './filters'
import { isGone } from './useJob'

const PAGE = 50
const BUSY_MS = 5000

export function useJobs(filters: ComputedRef<Filters>) {
  const { session, known } = useSession()
  const signedIn = computed(() => session.value.authenticated)

  const listed = useQuery({
    queryKey: ['jobs', filters],
    queryFn: ({ signal }) => {
      const { status, process, cursor } = filters.value
      const datetime = interval(filters.value)
      return fetchJobs(
        {
          limit: PAGE,
          ...(status && { status: [status] }),
          ...(process && { processID: [process] }),
          ...(datetime && { datetime }),
          ...(cursor && { cursor }),
        },
        signal,
      )
    },
    enabled: () => known.value && signedIn.value,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.jobs.some(isUnfinished) ? BUSY_MS : false),
    refetchOnWindowFocus: true,
    staleTime: 0,
  })

  const own = useQueries({
    queries: computed(() =>
      (known.value && !signedIn.value ? ownJobs.value : []).map((id) => ({
        queryKey: ['job', id],
        queryFn: ({ signal }: { signal: AbortSignal }) => fetchJob(id, signal),
        refetchInterval: ({ state }: { state: { data?: Job | undefined } }) =>
          state.data && isUnfinished(state.data) ? BUSY_MS : (false as const),
        staleTime: 0,
      })),
    ),
  })
  // Those that are kept no more leave the list.
  watch(own, (queries) => {
    const gone = queries.flatMap(({ error }, index) => (isGone(error) ? (ownJobs.value[index] ?? []) : []))
    for (const id of gone) forgetJob(id)
  })

  const all = computed<readonly Job[]>(() =>
    signedIn.value ? (listed.data.value?.jobs ?? []) : own.value.flatMap(({ data }) => data ?? []),
  )
  const failure = computed<unknown>(() => {
    if (signedIn.value) return listed.data.value ? null : listed.error.value
    return all.value.length ? null : (own.value.find(({ error }) => error && !isGone(error))?.error ?? null)
  })
  return {
    signedIn,
    jobs: computed(() => (signedIn.value ? all.value : all.value.filter((job) => matches(job, filters.value)))),
    cursor: computed(() => (signedIn.value ? (listed.data.value?.cursor ?? null) : null)),
    failure,
    pending: computed(
      () =>
        !known.value ||
        (signedIn.value ? listed.isPending.value : own.value.some(({ isPending }) => isPending) && !all.value.length),
    ),
    retry: (): void => {
      if (signedIn.value) void listed.refetch()
      else for (const query of own.value) void query.refetch()
    },
  }
}
