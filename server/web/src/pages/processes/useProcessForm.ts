/** The form of one process: its draft, kept on this device and in the address; what is wrong with it; sending it. */

import { computed, nextTick, onScopeDispose, ref, shallowRef, watch, type ShallowRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { Failure } from '../../api/client'
import { fetchAsked } from '../../api/jobs'
import { execute, executionAddress } from '../../api/processes'
import { succeed } from '../../app/announce'
import { dropDraft, keepDraft, recallDraft } from '../../app/drafts'
import { words } from '../../app/i18n/words'
import { useLeaving } from '../../app/leaving'
import { sessionChanges, useSession } from '../../app/session'
import { fieldsOf, type Process } from '../../domain/process'
import { draftOf, emptyDraft, revive, type Draft, type FeatureDraft, type OutputWay } from '../../domain/processDraft'
import { curl, request } from '../../domain/processForm'
import { decode, encode } from './address'
import { faultText, placed, type FieldError, type Placed } from './faults'
import { said } from './words'

export type Begun = 'empty' | 'restored' | 'fromJob' | 'fromUnknown'

const REST_MS = 400
const NOTHING: Placed = { inputs: new Map(), outputs: new Map(), others: [] }

export function useProcessForm(process: Readonly<ShallowRef<Process>>, root: Readonly<ShallowRef<HTMLElement | null>>) {
  const route = useRoute()
  const router = useRouter()
  const isLeaving = useLeaving()
  const { session, known } = useSession()
  const id = process.value.id
  const key = `processes/${id}`
  const person = computed(() =>
    session.value.authenticated ? `${session.value.organisation}/${session.value.person}` : '',
  )
  const csrf = computed(() => (session.value.authenticated ? session.value.csrf : null))

  const fields = computed(() => fieldsOf(process.value))
  const draft = shallowRef<Draft>(emptyDraft(process.value, fields.value))
  const begun = ref<Begun>('empty')
  const dropped = shallowRef<readonly string[]>([])
  const ready = ref(false)
  const tried = ref(false)
  const sending = ref(false)
  const refused = shallowRef<Placed>(NOTHING)
  const failure = shallowRef<unknown>(null)

  const made = computed(() => request(process.value, fields.value, draft.value))
  const errors = computed<ReadonlyMap<string, FieldError>>(() => {
    const faults = tried.value ? Object.entries(made.value.faults) : []
    const own = faults.map(([name, fault]) => [name, { text: faultText(fault, said.value, words.value.locale) }] as const)
    return new Map<string, FieldError>([...refused.value.inputs, ...own])
  })
  const outputErrors = computed<ReadonlyMap<string, FieldError>>(() => {
    const [first] = process.value.outputs
    if (!tried.value || !made.value.nothingAsked || !first) return refused.value.outputs
    return new Map([[first.name, { text: said.value.fault.outputs }]])
  })
  const count = computed(() => errors.value.size + outputErrors.value.size + refused.value.others.length)
  const command = computed(() => curl(executionAddress(id), made.value.body, csrf.value !== null))

  let timer = 0
  let touched = false
  let gone = false
  const stop = new AbortController()
  onScopeDispose(() => {
    gone = true
    stop.abort()
    void rest()
  })

  /** What was filled in is kept and stands in the address once the hands rest. */
  async function rest(): Promise<void> {
    clearTimeout(timer)
    timer = 0
    if (!touched) return
    touched = false
    const isEmpty = JSON.stringify(draft.value) === JSON.stringify(emptyDraft(process.value, fields.value))
    await (isEmpty ? dropDraft(key) : keepDraft(person.value, key, draft.value))
    await tellAddress()
  }

  async function tellAddress(): Promise<void> {
    const isHere = !gone && !isLeaving() && route.params['processId'] === id
    if (isHere) await router.replace({ query: encode(draft.value, fields.value) })
  }

  function become(next: Draft): void {
    draft.value = next
    touched = true
    clearTimeout(timer)
    timer = window.setTimeout(() => void rest(), REST_MS)
  }

  /** What another run was asked; null where the server does not tell. */
  async function draftOfJob(job: string): Promise<Draft | null> {
    try {
      const asked = await fetchAsked(job, stop.signal)
      const filled = draftOf(process.value, fields.value, asked.inputs)
      if (!asked.outputs.length) return filled
      const ways = process.value.outputs.map(({ name }) => [name, asked.outputs.includes(name) ? 'value' : 'none'] as const)
      return { ...filled, outputs: Object.fromEntries(ways) }
    } catch {
      return null
    }
  }

  async function begin(): Promise<void> {
    const from = typeof route.query['from'] === 'string' ? route.query['from'] : null
    const kept = from ? await draftOfJob(from) : await recallDraft(person.value, key)
    if (gone) return
    if (from) begun.value = kept ? 'fromJob' : 'fromUnknown'
    else if (kept) begun.value = 'restored'
    const before = kept ? revive(process.value, fields.value, kept) : emptyDraft(process.value, fields.value)
    const read = decode(route.query, fields.value, before)
    dropped.value = read.dropped
    draft.value = read.draft
    ready.value = true
    // What means nothing is named once and does not stay in the address; another run stays until something is changed.
    if (!from) await tellAddress()
  }
  watch(known, (is) => is && !ready.value && void begin(), { immediate: true })
  // Who signs out leaves nothing on the page; who signs in goes on with what is there.
  watch(sessionChanges, () => {
    if (session.value.authenticated) become(draft.value)
    else startAnew()
  })

  function startAnew(next = emptyDraft(process.value, fields.value)): void {
    begun.value = 'empty'
    tried.value = false
    refused.value = NOTHING
    failure.value = null
    become(next)
    void rest()
  }

  function forgive(where: 'inputs' | 'outputs', name: string): void {
    if (!refused.value[where].has(name)) return
    const left = new Map(refused.value[where])
    left.delete(name)
    refused.value = { ...refused.value, [where]: left }
  }

  async function focusFirst(): Promise<void> {
    await nextTick()
    root.value?.querySelector<HTMLElement>('[aria-invalid="true"], [data-invalid="true"]')?.focus()
  }

  async function send(): Promise<void> {
    tried.value = true
    refused.value = NOTHING
    failure.value = null
    if (count.value) return focusFirst()
    sending.value = true
    try {
      const job = await execute(id, made.value.body, csrf.value)
      touched = false
      clearTimeout(timer)
      await dropDraft(key)
      succeed(said.value.submitted)
      await router.push(`/jobs/${encodeURIComponent(job)}`)
    } catch (error) {
      const told = error instanceof Failure && error.reason.kind === 'problem' ? error.reason.errors : []
      const names = [
        ...process.value.inputs.map(({ name }) => `inputs/${name}`),
        ...process.value.outputs.map(({ name }) => `outputs/${name}`),
      ]
      refused.value = placed(told, new Set(names))
      if (told.length) await focusFirst()
      else failure.value = error
    } finally {
      sending.value = false
    }
  }

  return {
    fields,
    draft,
    begun,
    dropped,
    ready,
    sending,
    errors,
    outputErrors,
    others: computed(() => refused.value.others),
    failure,
    count,
    command,
    csrf,
    setText: (name: string, text: string): void => {
      forgive('inputs', name)
      become({ ...draft.value, texts: { ...draft.value.texts, [name]: text } })
    },
    setFeatures: (name: string, change: Partial<FeatureDraft>): void => {
      const now = draft.value.features[name]
      if (!now) return
      forgive('inputs', name)
      become({ ...draft.value, features: { ...draft.value.features, [name]: { ...now, ...change } } })
    },
    setOutput: (name: string, way: OutputWay): void => {
      forgive('outputs', name)
      become({ ...draft.value, outputs: { ...draft.value.outputs, [name]: way } })
    },
    useExample: (): void => {
      if (process.value.example) startAnew(draftOf(process.value, fields.value, process.value.example))
    },
    startAnew: (): void => startAnew(),
    send,
  }
}
