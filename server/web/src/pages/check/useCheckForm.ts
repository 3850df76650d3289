/** The form of a check: its draft, kept on this device; what the file was found to hold; sending it. */

import { useQueryClient } from '@tanstack/vue-query'
import { computed, nextTick, onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import { useRouter } from 'vue-router'
import { checkIn, hashOf, readCheck } from '../../api/readCheck'
import { Failure, type PointedError } from '../../api/client'
import { executionAddress } from '../../api/processes'
import { run } from '../../api/runs'
import { inspect } from '../../api/surveys'
import { announce } from '../../app/announce'
import { dropDraft, keepDraft, recallDraft } from '../../app/drafts'
import { sessionChanges, useSession } from '../../app/session'
import { asksSystem, checkInputs, EMPTY_CHECK, exchanged, isDocument, reviveCheck, surveyInputs, type CheckDraft, type DraftFault } from '../../domain/checkRequest'
import { curl } from '../../domain/processForm'
import { asksZone, type Survey } from '../../domain/survey'
import type { useOffered } from './useOffered'
import { said } from './words'

const KEY = 'check'
const REST_MS = 400
const SYSTEM = /^\/inputs\/crs(\/|$)/
const STATED = /^\/inputs\/parcels\/coordRefSys(\/|$)/

export type FormFault = DraftFault | 'zone' | 'local'

export function useCheckForm(offered: ReturnType<typeof useOffered>, root: Readonly<Ref<HTMLElement | null>>) {
  const router = useRouter()
  const queries = useQueryClient()
  const { session, known } = useSession()
  const person = computed(() => (session.value.authenticated ? `${session.value.organisation}/${session.value.person}` : ''))
  const csrf = computed(() => (session.value.authenticated ? session.value.csrf : null))

  const draft = shallowRef<CheckDraft>(EMPTY_CHECK)
  const ready = ref(false)
  const restored = ref(false)
  const tried = ref(false)
  const sending = ref(false)
  const failure = shallowRef<unknown>(null)
  const told = shallowRef<readonly PointedError[]>([])
  const systemAsked = ref(false)

  const survey = shallowRef<Survey | null>(null)
  const surveying = ref(false)
  const surveyFailure = shallowRef<unknown>(null)

  const nothing = { profiles: [], profile: '', attributes: [], flags: [], documents: [] }
  const questions = computed(() => offered.questions.value ?? nothing)
  const made = computed(() => checkInputs(draft.value, questions.value))
  const faults = computed<ReadonlyMap<string, FormFault>>(() => {
    const found = new Map<string, FormFault>(made.value.faults)
    if (survey.value && asksZone(survey.value) && !draft.value.crs) found.set('zone', 'zone')
    if (survey.value?.isLocalFrame) found.set('zone', 'local')
    return found
  })
  const shown = computed<ReadonlyMap<string, FormFault>>(() => (tried.value ? faults.value : new Map()))
  /** What the server says of the reference system; null: it has not asked for one. */
  const system = computed(() =>
    asksSystem(draft.value, systemAsked.value) ? (told.value.find(({ pointer }) => SYSTEM.test(pointer))?.detail ?? '') : null,
  )
  /** A pasted document contradicts its reference system: its axes may be the other way round. */
  const isTurnable = computed(
    () => draft.value.way === 'paste' && isDocument(draft.value.pasted) && told.value.some(({ pointer }) => SYSTEM.test(pointer) || STATED.test(pointer)),
  )
  const command = computed(() =>
    offered.check.value ? curl(executionAddress(offered.check.value), { inputs: made.value.inputs }, csrf.value !== null) : '',
  )

  let timer = 0
  let looking: AbortController | null = null
  const stop = new AbortController()
  onScopeDispose(() => {
    looking?.abort()
    stop.abort()
    void rest()
  })

  async function rest(): Promise<void> {
    if (!timer) return
    clearTimeout(timer)
    timer = 0
    const isEmpty = JSON.stringify(draft.value) === JSON.stringify(EMPTY_CHECK)
    await (isEmpty ? dropDraft(KEY) : keepDraft(person.value, KEY, draft.value))
  }

  function become(next: CheckDraft): void {
    draft.value = next
    clearTimeout(timer)
    timer = window.setTimeout(() => void rest(), REST_MS)
  }

  const OTHER_PARCELS: readonly (keyof CheckDraft)[] = ['way', 'upload', 'fileLayer', 'pasted', 'collection']
  function change(part: Partial<CheckDraft>): void {
    const isOther = OTHER_PARCELS.some((name) => name in part && part[name] !== draft.value[name])
    told.value = []
    failure.value = null
    become({ ...draft.value, ...(isOther && { crs: '' }), ...part })
    if (!isOther) return
    looking?.abort()
    survey.value = null
    surveyFailure.value = null
    systemAsked.value = false
  }

  /** Shows what the server found wrong; where it asks for the reference system there is a field for it. */
  function refuse(errors: readonly PointedError[]): void {
    told.value = errors
    if (errors.some(({ pointer }) => SYSTEM.test(pointer))) systemAsked.value = true
    void focusFirst()
  }

  /** Exchanges the axes of the pasted document; the system that was said of it stays. */
  function exchange(): void {
    const pasted = exchanged(draft.value.pasted)
    if (pasted !== null) change({ pasted, crs: draft.value.crs })
  }

  /** Asks what the file or the text holds. */
  async function look(): Promise<void> {
    const inputs = surveyInputs(draft.value)
    const process = offered.survey.value
    looking?.abort()
    survey.value = null
    surveyFailure.value = null
    if (inputs === null || process === null) return
    const mine = new AbortController()
    looking = mine
    surveying.value = true
    try {
      const found = await inspect(process, inputs, csrf.value, mine.signal)
      survey.value = found
      const [only, another] = found.zones.filter(({ swapped }) => !swapped)
      if (asksZone(found) && only && !another) become({ ...draft.value, crs: only.crs })
      announce(asksZone(found) ? said.value.zone.question : said.value.survey.found(String(found.parcels), String(found.readable)))
    } catch (error) {
      if (!mine.signal.aborted) surveyFailure.value = error
    } finally {
      if (looking === mine) surveying.value = false
    }
  }

  async function begin(): Promise<void> {
    const kept = await recallDraft(person.value, KEY)
    if (stop.signal.aborted) return
    if (kept) draft.value = reviveCheck(kept)
    restored.value = !!kept
    ready.value = true
  }
  watch(known, (is) => is && !ready.value && void begin(), { immediate: true })
  // What the file holds is asked again where a draft comes back.
  watch([ready, offered.survey], ([is, process]) => is && process && restored.value && !survey.value && void look())
  watch(sessionChanges, () => {
    if (session.value.authenticated) become(draft.value)
    else startAnew()
  })

  function startAnew(): void {
    restored.value = false
    tried.value = false
    change({ ...EMPTY_CHECK })
    void rest()
  }

  async function focusFirst(): Promise<void> {
    await nextTick()
    root.value?.querySelector<HTMLElement>('[aria-invalid="true"], [data-invalid="true"]')?.focus()
  }

  async function send(): Promise<void> {
    const process = offered.check.value
    tried.value = true
    told.value = []
    failure.value = null
    sending.value = true
    try {
      // Whoever pastes and starts at once is asked for the zone as well.
      if (!made.value.faults.size && !survey.value && surveyInputs(draft.value) !== null) await look()
      if (faults.value.size || surveyFailure.value !== null || process === null) return void (await focusFirst())
      const found = await run(process, { inputs: made.value.inputs }, csrf.value, stop.signal)
      clearTimeout(timer)
      timer = 0
      await dropDraft(KEY)
      if (found.kind === 'job') return void (await router.push({ path: '/check', query: { job: found.id } }))
      const check = checkIn(found.outputs)
      queries.setQueryData(['check', hashOf(check)], readCheck(check))
      await router.push(`/check/${hashOf(check)}`)
    } catch (error) {
      if (stop.signal.aborted) return
      const errors = error instanceof Failure && error.reason.kind === 'problem' ? error.reason.errors : []
      if (errors.length) refuse(errors)
      else failure.value = error
    } finally {
      sending.value = false
    }
  }

  return { draft, ready, restored, sending, failure, told, survey, surveying, surveyFailure, questions, shown, system, isTurnable, command, csrf, change, exchange, look, refuse, startAnew, send }
}
