/** The session of the page: one query, shared; signing in or out forgets everything read as somebody else. */

import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, shallowRef } from 'vue'
import { ANONYMOUS, fetchSession, signIn, signOut, type Session } from '../api/session'

const KEY = ['session'] as const

/** Counts signing in and out: whoever holds answers of before drops them. */
export const sessionChanges = shallowRef(0)

export function useSession() {
  const queries = useQueryClient()
  const query = useQuery({ queryKey: KEY, queryFn: fetchSession, staleTime: Infinity })
  const session = computed<Session>(() => query.data.value ?? ANONYMOUS)

  async function become(next: Session): Promise<void> {
    queries.setQueryData(KEY, next)
    sessionChanges.value += 1
    await queries.resetQueries({ predicate: (item) => item.queryKey[0] !== KEY[0] })
  }

  return {
    session,
    /** Whether the server has said who asks, or could not be asked. */
    known: query.isFetched,
    signIn: async (key: string): Promise<Session> => {
      const next = await signIn(key)
      await become(next)
      return next
    },
    signOut: async (): Promise<void> => {
      const current = session.value
      if (!current.authenticated) return
      await signOut(current)
      await (await import('./drafts')).forgetDrafts()
      await become(ANONYMOUS)
    },
  }
}
