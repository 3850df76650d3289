/** How answers of the server are kept: fresh for a minute, never retried where the server said no. */

import { QueryClient } from '@tanstack/vue-query'
import { Failure } from '../api/client'

const FRESH_MS = 60_000
const RETRIES = 1

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: FRESH_MS,
      refetchOnWindowFocus: false,
      retry: (count, error) => count < RETRIES && !(error instanceof Failure && error.reason.kind === 'problem'),
    },
  },
})
