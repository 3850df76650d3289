/** What a job was asked, and for whom it works. */

import { useQuery } from '@tanstack/vue-query'
import type { ComputedRef } from 'vue'
import { fetchAsked, fetchOwner } from '../../api/jobs'
import type { Job } from '../../domain/job'

export function useOrigin(job: ComputedRef<Job | null>) {
  const id = (): string => job.value?.id ?? ''
  const asked = useQuery({
    queryKey: ['asked', id],
    queryFn: ({ signal }) => fetchAsked(id(), signal),
    enabled: () => job.value !== null,
    staleTime: Infinity, // a job is asked once
  })
  const owner = useQuery({
    queryKey: ['owner', id],
    queryFn: ({ signal }) => fetchOwner(id(), signal),
    enabled: () => !!job.value?.provenance,
    staleTime: Infinity,
  })
  return { asked, owner }
}
