/** An opinion being written: kept as it is until it is signed. */

import { OUTCOMES, type ManualItem, type Opinion, type Outcome } from './check'

export interface OpinionDraft {
  readonly conclusion: string
  readonly text: string
  readonly number: string
  readonly date: string
  /** Of the parcel that is looked at alone; else of all of them. */
  readonly onlyThis: boolean
  /** By rule. */
  readonly answers: Readonly<Record<string, { readonly outcome: string; readonly text: string }>>
  readonly documents: readonly string[]
}

export type OpinionFault = 'conclusion' | 'text' | 'date' | 'manual' | 'note' | 'scope'

export interface Signable {
  readonly parcels: readonly number[] | null
  readonly conclusion: Outcome
  readonly text: string
  readonly document_number: string
  readonly document_date: string
  readonly manual: readonly { readonly rule: string; readonly outcome: Outcome; readonly text: string }[]
  readonly documents: Readonly<Record<string, 'verified'>>
  /** The id of the newest opinion on these parcels that the signer has seen; null: there was none. */
  readonly supersedes: string | null
}

export const emptyOpinion = (today: string): OpinionDraft => ({
  conclusion: '',
  text: '',
  number: '',
  date: today,
  onlyThis: false,
  answers: {},
  documents: [],
})

/** What was kept of a draft, as far as it has members of the same types. */
export function reviveOpinion(kept: unknown, today: string): OpinionDraft {
  const empty = emptyOpinion(today)
  if (typeof kept !== 'object' || kept === null) return empty
  const found = Object.entries(kept).filter(([name, value]) => {
    const now = (empty as unknown as Record<string, unknown>)[name]
    return value !== null && typeof value === typeof now && Array.isArray(value) === Array.isArray(now)
  })
  return { ...empty, ...Object.fromEntries(found) }
}

const outcomeOf = (word: string): Outcome | null => OUTCOMES.find((known) => known === word) ?? null

const HOLDER = /\{[^{}]*\}/
/** The text of a choice as it is read: what the signer has to name is left open. */
export const openText = (text: string): string => text.replace(new RegExp(HOLDER, 'g'), '……')

/** Whether an answer to an item leaves something to name that its own text has to say. */
export const asksText = ({ choices }: ManualItem, outcome: string): boolean =>
  choices.some((choice) => choice.outcome === outcome && HOLDER.test(choice.text))

/** Whether an answer lacks the text that its choice leaves open. */
export const lacksText = (item: ManualItem, { answers }: OpinionDraft): boolean =>
  asksText(item, answers[item.rule]?.outcome ?? '') && !answers[item.rule]?.text.trim()

/** The newest opinion that speaks of any of these parcels; null stands for all of them. */
export const standing = (opinions: readonly Opinion[], parcels: readonly number[] | null): Opinion | null =>
  [...opinions].reverse().find(
    (one) => parcels === null || one.parcels === null || one.parcels.some((number) => parcels.includes(number)),
  ) ?? null

/** *parcel* is the one that is looked at. */
export function opinionFaults(
  draft: OpinionDraft,
  manual: readonly ManualItem[],
  parcel: number | null,
): ReadonlySet<OpinionFault> {
  const faults = new Set<OpinionFault>()
  if (!outcomeOf(draft.conclusion)) faults.add('conclusion')
  if (!draft.text.trim()) faults.add('text')
  if (!/^\d{4}-\d{2}-\d{2}$/.test(draft.date)) faults.add('date')
  if (manual.some(({ rule }) => !outcomeOf(draft.answers[rule]?.outcome ?? ''))) faults.add('manual')
  if (manual.some((item) => lacksText(item, draft))) faults.add('note')
  if (draft.onlyThis && parcel === null) faults.add('scope')
  return faults
}

/** What is signed after *opinions*; null while something is missing. */
export function signable(
  draft: OpinionDraft,
  manual: readonly ManualItem[],
  parcel: number | null,
  opinions: readonly Opinion[],
): Signable | null {
  const conclusion = outcomeOf(draft.conclusion)
  if (conclusion === null || opinionFaults(draft, manual, parcel).size) return null
  const parcels = draft.onlyThis && parcel !== null ? [parcel] : null
  return {
    parcels,
    conclusion,
    text: draft.text.trim(),
    document_number: draft.number.trim(),
    document_date: draft.date,
    manual: manual.flatMap(({ rule }) => {
      const outcome = outcomeOf(draft.answers[rule]?.outcome ?? '')
      return outcome ? [{ rule, outcome, text: draft.answers[rule]?.text.trim() ?? '' }] : []
    }),
    documents: Object.fromEntries(draft.documents.map((id) => [id, 'verified' as const])),
    supersedes: standing(opinions, parcels)?.id || null,
  }
}
