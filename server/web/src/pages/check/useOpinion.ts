/** Writing and signing an opinion on one check. */

import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { fetchOpinions, opinionsAddress, sendOpinion } from '../../api/checks'
import { Failure } from '../../api/client'
import { succeed } from '../../app/announce'
import { dropDraft, keepDraft, recallDraft } from '../../app/drafts'
import { sessionChanges, useSession } from '../../app/session'
import type { Check } from '../../domain/check'
import { isoDate } from '../../domain/date'
import { emptyOpinion, opinionFaults, reviveOpinion, signable, type OpinionDraft, type OpinionFault } from '../../domain/opinion'
import { said } from './words'

const REST_MS = 400
const SIGN = 'sign'

/** Whether somebody else has signed since the opinions were read. */
const isOvertaken = (error: unknown): boolean =>
  error instanceof Failure &&
  error.reason.kind === 'problem' &&
  (error.reason.status === 409 || error.reason.errors.some(({ pointer }) => pointer === '/supersedes'))

export function useOpinion(check: Check, parcel: () => number | null) {
  const key = opinionsAddress(check.hash)
  const queries = useQueryClient()
  const { session, known } = useSession()
  const today = isoDate(new Date().toISOString()) ?? ''
  const person = computed(() => (session.value.authenticated ? `${session.value.organisation}/${session.value.person}` : ''))
  const maySign = computed(() => {
    if (!session.value.authenticated) return false
    const { functions } = session.value
    return functions === 'all' || functions.includes(SIGN)
  })
  const opinions = useQuery({
    queryKey: ['opinions', check.hash],
    queryFn: ({ signal }) => fetchOpinions(check.hash, signal),
  })

  const draft = shallowRef<OpinionDraft>(emptyOpinion(today))
  const tried = ref(false)
  const sending = ref(false)
  const failure = shallowRef<unknown>(null)
  const overtaken = ref(false)
  const faults = computed<ReadonlySet<OpinionFault>>(() =>
    tried.value ? opinionFaults(draft.value, check.manual, parcel()) : new Set(),
  )

  let timer = 0
  async function rest(): Promise<void> {
    if (!timer) return
    clearTimeout(timer)
    timer = 0
    await keepDraft(person.value, key, draft.value)
  }
  onScopeDispose(() => void rest())

  function change(part: Partial<OpinionDraft>): void {
    draft.value = { ...draft.value, ...part }
    failure.value = null
    overtaken.value = false
    clearTimeout(timer)
    timer = window.setTimeout(() => void rest(), REST_MS)
  }

  watch(
    [known, sessionChanges],
    async () => {
      if (!known.value) return
      const kept = session.value.authenticated ? await recallDraft(person.value, key) : null
      draft.value = reviveOpinion(kept, today)
    },
    { immediate: true },
  )

  async function sign(): Promise<void> {
    tried.value = true
    const shown = opinions.data.value
    if (!shown || !session.value.authenticated) return
    const opinion = signable(draft.value, check.manual, parcel(), shown)
    if (opinion === null) return
    sending.value = true
    failure.value = null
    overtaken.value = false
    try {
      await sendOpinion(check.hash, opinion, session.value.csrf)
      clearTimeout(timer)
      timer = 0
      await dropDraft(key)
      draft.value = emptyOpinion(today)
      tried.value = false
      succeed(said.value.opinion.signed)
      await queries.invalidateQueries({ queryKey: ['opinions', check.hash] })
    } catch (error) {
      if (isOvertaken(error)) {
        await opinions.refetch()
        overtaken.value = true
      } else failure.value = error
    } finally {
      sending.value = false
    }
  }

  return { opinions, draft, faults, sending, failure, overtaken, session, maySign, change, sign }
}
