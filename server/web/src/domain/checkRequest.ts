/** The form of a compliance check; what is asked of the project comes from the rule set. */

import type { Drawn } from './geometry'
import type { Schema } from './process'
import { layerReference, type Upload } from './processDraft'

export const WAYS = ['upload', 'draw', 'paste', 'layer'] as const
export type Way = (typeof WAYS)[number]

/** Days of a project from which a matter takes its check date. */
export const DATES = ['acceptance', 'approval', 'permit'] as const

export interface Choice {
  readonly id: string
  readonly title: string
}

export interface Asked extends Choice {
  readonly kind: 'text' | 'number'
  readonly note: string
}

/** What may be said of a project. */
export interface Questions {
  readonly profiles: readonly Choice[]
  /** The profile that is taken where none is chosen; empty: one has to be. */
  readonly profile: string
  readonly attributes: readonly Asked[]
  readonly flags: readonly Choice[]
  readonly documents: readonly Choice[]
}

export interface CheckDraft {
  readonly way: Way
  readonly upload: Upload | null
  readonly fileLayer: string
  readonly drawn: readonly Drawn[]
  readonly pasted: string
  /** The layer whose features are the parcels, which of them, and as recorded on which day. */
  readonly collection: string
  readonly filter: string
  readonly recorded: string
  /** The zone that was chosen; empty: what the file says. */
  readonly crs: string
  readonly unit: string
  readonly profile: string
  readonly checkDate: string
  readonly asOf: string
  /** The days of the project, by DATES. */
  readonly dates: Readonly<Record<string, string>>
  readonly name: string
  readonly code: string
  readonly attributes: Readonly<Record<string, string>>
  /** `true`, `false`, or nothing said. */
  readonly flags: Readonly<Record<string, string>>
  /** The documents that are attached. */
  readonly documents: readonly string[]
}

export const EMPTY_CHECK: CheckDraft = {
  way: 'upload',
  upload: null,
  fileLayer: '',
  drawn: [],
  pasted: '',
  collection: '',
  filter: '',
  recorded: '',
  crs: '',
  unit: '',
  profile: '',
  checkDate: '',
  asOf: '',
  dates: {},
  name: '',
  code: '',
  attributes: {},
  flags: {},
  documents: [],
}

const record = (value: unknown): Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : {}
/** A document of parcels begins with a brace; the official text begins with `[属性描述]`. */
export const isDocument = (pasted: string): boolean => /^\s*\{/.test(pasted)

/** What was kept of a draft, as far as it has members of the same types. */
export function reviveCheck(kept: unknown): CheckDraft {
  const found = Object.entries(record(kept)).filter(([name, value]) => {
    const now = (EMPTY_CHECK as unknown as Record<string, unknown>)[name]
    const isAlike = typeof value === typeof now && Array.isArray(value) === Array.isArray(now)
    return Object.hasOwn(EMPTY_CHECK, name) && isAlike && (name === 'upload' || value !== null)
  })
  const draft: CheckDraft = { ...EMPTY_CHECK, ...Object.fromEntries(found) }
  return WAYS.includes(draft.way) ? draft : EMPTY_CHECK
}

export type DraftFault = 'parcels' | 'json' | 'unit' | 'number'

export interface Made {
  readonly inputs: Readonly<Record<string, unknown>>
  /** By field: `parcels`, `unit`, or the id of an attribute. */
  readonly faults: ReadonlyMap<string, DraftFault>
}

const UNIT = /^[1-9]\d{5}(\d{3}){0,2}$/
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)$/

/** The inputs that the draft sends. */
export function checkInputs(draft: CheckDraft, questions: Questions): Made {
  const faults = new Map<string, DraftFault>()
  const parcels = parcelsOf(draft)
  if (parcels === null) faults.set('parcels', draft.way === 'paste' && draft.pasted.trim() ? 'json' : 'parcels')
  if (draft.unit.trim() && !UNIT.test(draft.unit.trim())) faults.set('unit', 'unit')
  const attributes: Record<string, unknown> = {}
  for (const { id, kind } of questions.attributes) {
    const said = (draft.attributes[id] ?? '').trim()
    if (said && kind === 'number' && !NUMBER.test(said)) faults.set(id, 'number')
    else if (said) attributes[id] = kind === 'number' ? Number(said) : said
  }
  const flags = Object.fromEntries(
    questions.flags.flatMap(({ id }) => (draft.flags[id] ? [[id, draft.flags[id] === 'true'] as const] : [])),
  )
  const known = new Set(questions.documents.map(({ id }) => id))
  const documents = Object.fromEntries(draft.documents.filter((id) => known.has(id)).map((id) => [id, 'attached']))
  const dates = filled(Object.fromEntries(DATES.map((name) => [name, draft.dates[name] ?? ''])))
  const project = filled({ name: draft.name.trim(), code: draft.code.trim(), dates, attributes, flags, documents })
  const crs = statesSystem(draft.way) ? '' : draft.crs
  const { profile, checkDate: check_date, asOf: as_of } = draft
  const others = { crs: crs.trim(), unit: draft.unit.trim(), profile, check_date, as_of, project }
  return { inputs: { ...(parcels !== null && { parcels }), ...filled(others) }, faults }
}

/** What was drawn is in degrees, and a layer says its system: a zone chosen for a file says nothing of them. */
export const statesSystem = (way: Way): boolean => way === 'draw' || way === 'layer'

/** Whether the reference system can be typed: the server has asked for it, or one was typed for a pasted document. */
export const asksSystem = ({ way, pasted, crs }: CheckDraft, isAsked: boolean): boolean =>
  !statesSystem(way) && (isAsked || (way === 'paste' && isDocument(pasted) && crs !== ''))

/** The value of the input `parcels`; null where there is none that can be sent. */
export function parcelsOf({ way, upload, fileLayer, drawn, pasted, collection, filter, recorded }: CheckDraft): unknown {
  if (way === 'layer') return layerReference({ collection, filter, asOf: recorded })
  if (way === 'upload') return upload && { href: upload.href, ...(fileLayer.trim() && { layer: fileLayer.trim() }) }
  if (way === 'draw') {
    const features = drawn.map((geometry) => ({ type: 'Feature', geometry, properties: {} }))
    return features.length ? { type: 'FeatureCollection', features } : null
  }
  if (!pasted.trim()) return null
  if (!isDocument(pasted)) return { text: pasted }
  try {
    return JSON.parse(pasted) as unknown
  } catch {
    return null
  }
}

/** A pasted document with x and y of every position exchanged; null: it cannot be read. */
export function exchanged(pasted: string): string | null {
  try {
    return JSON.stringify(turned(JSON.parse(pasted)))
  } catch {
    return null
  }
}

function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned)
  if (typeof value !== 'object' || value === null) return value
  // Where `place` has the coordinates in their own system, `geometry` has them in degrees.
  const isPlaced = (value as Schema)['place'] !== undefined && (value as Schema)['place'] !== null
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'bbox')
      .map(([name, one]) => [
        name,
        name === 'coordinates' ? positions(one) : name === 'properties' || (name === 'geometry' && isPlaced) ? one : turned(one),
      ]),
  )
}

function positions(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  const [x, y, ...rest] = value as unknown[]
  return typeof x === 'number' && typeof y === 'number' ? [y, x, ...rest] : value.map(positions)
}

/** What the reader of surveyors' files is asked; null: nothing that it reads was given. */
export function surveyInputs(draft: CheckDraft): Readonly<Record<string, unknown>> | null {
  const given = parcelsOf(draft)
  const unit = UNIT.test(draft.unit.trim()) ? { unit: draft.unit.trim() } : {}
  if (given === null || statesSystem(draft.way)) return null
  if (draft.way === 'upload') return { file: given, ...unit }
  return isDocument(draft.pasted) ? null : { text: draft.pasted, ...unit }
}

const isEmpty = (value: unknown): boolean => value === '' || (typeof value === 'object' && !Object.keys(value ?? {}).length)
const filled = (values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => !isEmpty(value)))
