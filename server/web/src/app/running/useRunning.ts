/** How many jobs of this reader have not ended: the server's own list, else those that this browser knows. */

import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { Failure } from '../../api/client'
import { fetchJob, fetchJobs } from '../../api/jobs'
import { isUnfinished } from '../../domain/job'
import { forgetJob, ownJobs } from '../ownJobs'
import { useSession } from '../session'

const MOST = 100
/** Of the jobs that this browser knows only the newest are asked for. */
const NEWEST = 5
const BUSY_MS = 5_000
const IDLE_MS = 60_000

export function useRunning() {
  const { session, known } = useSession()
  const signedIn = computed(() => session.value.authenticated)
  const own = computed(() => ownJobs.value.slice(0, NEWEST))

  async function count(signal: AbortSignal): Promise<number> {
    if (signedIn.value) {
      const { jobs } = await fetchJobs({ limit: MOST, status: ['accepted', 'running'] }, signal)
      return jobs.length
    }
    const found = await Promise.all(own.value.map((id) => unfinished(id, signal)))
    return found.filter(Boolean).length
  }

  const query = useQuery({
    queryKey: ['running', signedIn, own],
    queryFn: ({ signal }) => count(signal),
    enabled: () => known.value && (signedIn.value || own.value.length > 0),
    // Of the jobs that are known here none begins by itself.
    refetchInterval: ({ state }) => (state.data ? BUSY_MS : signedIn.value ? IDLE_MS : false),
    refetchOnWindowFocus: true,
    staleTime: 0,
  })
  return computed(() => query.data.value ?? 0)
}

async function unfinished(id: string, signal: AbortSignal): Promise<boolean> {
  try {
    return isUnfinished(await fetchJob(id, signal))
  } catch (error) {
    if (!(error instanceof Failure) || error.reason.kind !== 'problem' || error.reason.status !== 404) throw error
    forgetJob(id) // it is gone
    return false
  }
}
