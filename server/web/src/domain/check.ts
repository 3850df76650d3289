/** A compliance check as the rest of the application speaks of it: facts, suggestions, what they rest on. */

/** The worst first. */
export const OUTCOMES = ['FAIL', 'COND', 'VERIFY', 'INFO', 'PASS'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** Facts as the server writes them in every language. */
export const FACTS = { 涉及: 'concerned', 不涉及: 'free', 数据缺失: 'missing' } as const
export type Fact = (typeof FACTS)[keyof typeof FACTS]

/** A title in both languages. */
export interface Titled {
  readonly zh: string
  readonly en: string
}

export interface Fault {
  readonly code: string
  /** Null: it is known by its message alone. */
  readonly title: Titled | null
  readonly isError: boolean
  readonly message: Titled
  readonly place: string
}

export interface CheckLayer {
  readonly binding: string
  readonly title: Titled
  readonly mandatory: boolean
  readonly connected: boolean
  /** Why it is not connected; null where it is. */
  readonly reason: string | null
  readonly layer: Titled | null
  readonly edition: Titled | null
  readonly validFrom: string | null
  readonly document: string | null
  readonly synthetic: boolean
}

export interface CheckFeature {
  readonly id: string
  readonly plan: string | null
  readonly document: string | null
  readonly ellipsoidM2: number | null
  readonly planarM2: number | null
}

/** What one layer has to do with a parcel. */
export interface Concern {
  readonly binding: string
  readonly ellipsoidM2: number | null
  readonly planarM2: number | null
  readonly noiseM2: number | null
  /** 0 to 1. */
  readonly share: number | null
  readonly declaredM2: number | null
  readonly netM2: number | null
  readonly distanceM: number | null
  readonly geometry: unknown
  readonly features: readonly CheckFeature[]
}

export interface Piece {
  readonly clause: number
  readonly outcome: Outcome
  readonly text: string
  readonly ellipsoidM2: number | null
  readonly planarM2: number | null
  readonly binding: string | null
  readonly feature: string | null
  readonly geometry: unknown
}

/** What a table of many parcels needs to know of a rule. */
export interface RuleBrief {
  readonly rule: string
  readonly title: Titled
  readonly mandatory: boolean
  /** Null: the server used a word that this page does not know. */
  readonly fact: Fact | null
  readonly outcome: Outcome
}

export interface RuleFinding extends RuleBrief {
  readonly version: number | null
  readonly clause: number
  readonly text: string
  readonly reasons: readonly string[]
  readonly needs: readonly { readonly id: string; readonly title: string }[]
  /** What the rule cannot see. */
  readonly limits: readonly Titled[]
  readonly legal: readonly { readonly cite: string; readonly unverified: boolean }[]
  readonly concerns: readonly Concern[]
  readonly pieces: readonly Piece[]
}

export interface CompositionRow {
  readonly code: string
  readonly name: string
  readonly ellipsoidM2: number | null
  readonly declaredM2: number | null
  readonly share: number | null
}

export interface Composition {
  /** Null: nothing is known of it. */
  readonly present: readonly CompositionRow[] | null
  readonly planned: readonly CompositionRow[] | null
}

export interface CheckParcel {
  readonly number: number
  readonly name: string | null
  readonly geometry: unknown
  readonly region: string | null
  readonly declaredM2: number | null
  readonly planarM2: number | null
  readonly ellipsoidM2: number | null
  readonly faults: readonly Fault[]
  readonly overall: Outcome
  readonly summary: Readonly<Record<Outcome, number>>
  readonly brief: readonly RuleBrief[]
  /** All of it, read when somebody looks: a file may hold ten thousand parcels. */
  readonly rules: () => readonly RuleFinding[]
  readonly composition: () => Composition
}

export interface ManualItem {
  readonly rule: string
  readonly title: Titled
  readonly reason: Titled
  readonly choices: readonly { readonly outcome: Outcome; readonly text: string }[]
}

export interface Check {
  readonly hash: string
  readonly advisory: Titled
  readonly ruleset: { readonly id: string; readonly version: string; readonly title: Titled }
  /** What attributes, flags and documents are called, by their ids. */
  readonly names: ReadonlyMap<string, string>
  /** Local rules that were laid over it. */
  readonly overrides: readonly string[]
  readonly profile: { readonly id: string; readonly title: Titled }
  readonly checkDate: string
  readonly asOf: string | null
  /** The plane of the planar areas. */
  readonly plane: string
  readonly project: { readonly name: string | null; readonly code: string | null }
  readonly layers: readonly CheckLayer[]
  readonly parcels: readonly CheckParcel[]
  readonly manual: readonly ManualItem[]
  /** The documents that some rule asks for. */
  readonly documents: ReadonlyMap<string, string>
}

/** A check in the list of one's own. */
export interface KeptCheck {
  readonly hash: string
  readonly matter: Titled
  readonly project: string | null
  readonly checkDate: string
  readonly keptAt: string
  readonly parcels: number | null
  readonly overall: Outcome
  readonly opinions: number
  /** Of the newest opinion; null: nobody has signed. */
  readonly conclusion: Outcome | null
}

export interface KeptPage {
  readonly checks: readonly KeptCheck[]
  /** Of the next page; null: there is none. */
  readonly cursor: string | null
}

/** What a person made of a check. */
export interface Opinion {
  readonly id: string
  readonly hash: string
  readonly conclusion: Outcome
  readonly text: string
  readonly documentNumber: string
  readonly documentDate: string
  /** Null: all of them. */
  readonly parcels: readonly number[] | null
  readonly signedBy: string
  readonly signedAt: string
  readonly proof: Titled
  /** The opinion before it, which stays. */
  readonly supersedes: string | null
}

export const rankOf = (outcome: Outcome): number => OUTCOMES.length - OUTCOMES.indexOf(outcome)
export const worst = (outcomes: readonly Outcome[]): Outcome | null =>
  OUTCOMES.find((outcome) => outcomes.includes(outcome)) ?? null

/** `9f3c 51ab …`: a hash as people compare it by eye. */
export const shortHash = (hash: string): string => (hash.slice(0, 16).match(/.{4}/g) ?? [hash]).join(' ')

/** The area that a rule's row shows: of the pieces that decided, else of what it concerns; null: it measures none. */
export function shownArea({ pieces, concerns, outcome, fact }: RuleFinding): number | null {
  const deciding = pieces.filter((piece) => piece.outcome === outcome).map(({ ellipsoidM2 }) => ellipsoidM2)
  const touched = concerns.map(({ ellipsoidM2 }) => ellipsoidM2)
  const measured = (deciding.length ? deciding : touched).filter((area): area is number => area !== null)
  if (!measured.length || (fact !== 'concerned' && !deciding.length)) return null
  // Layers may lie over each other: together they are no more than the largest of them is known to be.
  return deciding.length ? measured.reduce((sum, area) => sum + area, 0) : Math.max(...measured)
}

/** What of a rule can be drawn: pieces where it has any, else what it touches. */
export const geometriesOf = ({ pieces, concerns, outcome }: RuleFinding): readonly unknown[] => {
  const deciding = pieces.filter((piece) => piece.outcome === outcome)
  return (deciding.length ? deciding : concerns).map(({ geometry }) => geometry).filter(Boolean)
}
