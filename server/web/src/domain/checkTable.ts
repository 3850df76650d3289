/** Many parcels of one check: which are looked at, and what each rule says of all of them. */

import { OUTCOMES, rankOf, type CheckParcel, type Outcome, type Titled } from './check'

export interface ParcelFilter {
  /** Of the whole parcel, or of *rule* where one is named. */
  readonly outcome: Outcome | null
  readonly rule: string | null
  readonly text: string
  /** Those that could not be read. */
  readonly faulty: boolean
}

export const ALL_PARCELS: ParcelFilter = { outcome: null, rule: null, text: '', faulty: false }

export const isFaulty = ({ faults }: CheckParcel): boolean => faults.some(({ isError }) => isError)

export function matching(parcels: readonly CheckParcel[], filter: ParcelFilter): readonly CheckParcel[] {
  const wanted = filter.text.trim().toLowerCase()
  return parcels.filter((parcel) => {
    if (filter.faulty && !isFaulty(parcel)) return false
    if (wanted && !`${parcel.number} ${parcel.name ?? ''}`.toLowerCase().includes(wanted)) return false
    if (filter.rule === null) return filter.outcome === null || parcel.overall === filter.outcome
    const found = parcel.brief.find(({ rule }) => rule === filter.rule)
    if (!found) return false
    return filter.outcome === null ? found.outcome !== 'PASS' : found.outcome === filter.outcome
  })
}

export type ParcelOrder = 'number' | 'overall' | 'area'

/** The worst and the largest first; parcels without an area last. */
export function ordered(parcels: readonly CheckParcel[], by: ParcelOrder): readonly CheckParcel[] {
  const key = ({ overall, ellipsoidM2 }: CheckParcel): number =>
    by === 'overall' ? rankOf(overall) : (ellipsoidM2 ?? -1)
  return by === 'number' ? parcels : [...parcels].sort((a, b) => key(b) - key(a) || a.number - b.number)
}

export interface RuleSummary {
  readonly rule: string
  readonly title: Titled
  readonly mandatory: boolean
  readonly concerned: number
  readonly missing: number
  readonly outcomes: Readonly<Record<Outcome, number>>
}

const none = (): Record<Outcome, number> => ({ FAIL: 0, COND: 0, VERIFY: 0, INFO: 0, PASS: 0 })

/** For each rule in how many parcels it came to what, in the order of the check. */
export function byRule(parcels: readonly CheckParcel[]): readonly RuleSummary[] {
  const found = new Map<string, { summary: RuleSummary; outcomes: Record<Outcome, number> }>()
  const counts = new Map<string, { concerned: number; missing: number }>()
  for (const { brief } of parcels)
    for (const { rule, title, mandatory, fact, outcome } of brief) {
      const count = counts.get(rule) ?? { concerned: 0, missing: 0 }
      const outcomes = found.get(rule)?.outcomes ?? none()
      outcomes[outcome] += 1
      if (fact === 'concerned' || fact === 'missing') count[fact] += 1
      counts.set(rule, count)
      found.set(rule, { outcomes, summary: { rule, title, mandatory, ...count, outcomes } })
    }
  return [...found.values()].map(({ summary }) => summary)
}

/** How many parcels came to each outcome. */
export function byOutcome(parcels: readonly CheckParcel[]): Readonly<Record<Outcome, number>> {
  const counts = none()
  for (const { overall } of parcels) counts[overall] += 1
  return counts
}

/** What stands in the address of the page. */
export function readFilter(query: Readonly<Record<string, unknown>>): ParcelFilter {
  const text = (name: string): string => (typeof query[name] === 'string' ? query[name] : '')
  return {
    outcome: OUTCOMES.find((outcome) => outcome === text('outcome')) ?? null,
    rule: text('by') || null,
    text: text('find'),
    faulty: text('faulty') === 'true',
  }
}

export function writeFilter({ outcome, rule, text, faulty }: ParcelFilter): Readonly<Record<string, string>> {
  return {
    ...(outcome && { outcome }),
    ...(rule && { by: rule }),
    ...(text.trim() && { find: text.trim() }),
    ...(faulty && { faulty: 'true' }),
  }
}
