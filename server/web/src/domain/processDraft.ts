/** A form being filled in: kept as text until it is sent, so that nothing half done is lost. */

import type { Drawn } from './geometry'
import { shapesOf, type FeatureForms, type FormField, type Process, type Shape } from './process'

export const WAYS = ['draw', 'upload', 'layer', 'paste'] as const
export type Way = (typeof WAYS)[number]

export interface Upload {
  readonly href: string
  readonly name: string
  readonly bytes: number
  readonly expires: string
}

/** Features of a layer. */
export interface LayerDraft {
  /** The id of the collection: a layer, or one edition of it. */
  readonly collection: string
  readonly filter: string
  readonly asOf: string
}

/** All four ways at once: who changes their mind loses nothing. */
export interface FeatureDraft extends LayerDraft {
  readonly way: Way
  readonly drawn: readonly Drawn[]
  readonly upload: Upload | null
  /** Where the file lies, when it was not uploaded here. */
  readonly fileUrl: string
  readonly fileLayer: string
  readonly fileSystem: string
  readonly pasted: string
  readonly shape: Shape
}

export type OutputWay = 'none' | 'value' | 'layer'

export interface Draft {
  readonly texts: Readonly<Record<string, string>>
  readonly features: Readonly<Record<string, FeatureDraft>>
  readonly outputs: Readonly<Record<string, OutputWay>>
}

/** The ways that an input takes features in. */
export const waysOf = (forms: FeatureForms): readonly Way[] =>
  WAYS.filter((way) => (way === 'upload' ? forms.uploaded : way === 'layer' ? forms.named : true))

export const emptyFeatures = (forms: FeatureForms): FeatureDraft => ({
  way: forms.named ? 'layer' : 'draw',
  drawn: [],
  upload: null,
  fileUrl: '',
  fileLayer: '',
  fileSystem: '',
  collection: '',
  filter: '',
  asOf: '',
  pasted: '',
  shape: shapesOf(forms).at(-1) ?? 'Polygon',
})

export function emptyDraft(process: Process, fields: readonly FormField[]): Draft {
  return {
    texts: Object.fromEntries(
      fields.filter(({ kind }) => kind.kind !== 'features').map(({ input, initial }) => [input.name, initial]),
    ),
    features: Object.fromEntries(
      fields.flatMap(({ input, kind }) => (kind.kind === 'features' ? [[input.name, emptyFeatures(kind.forms)]] : [])),
    ),
    outputs: Object.fromEntries(process.outputs.map(({ name }) => [name, 'value' as const])),
  }
}

/** The draft that sends *inputs*: an example's, or those of another run. */
export function draftOf(process: Process, fields: readonly FormField[], inputs: Readonly<Record<string, unknown>>): Draft {
  const empty = emptyDraft(process, fields)
  const given = fields.filter(({ input }) => Object.hasOwn(inputs, input.name))
  const texts = given.flatMap(({ input: { name }, kind }) =>
    kind.kind === 'features' ? [] : [[name, textOf(inputs[name])] as const],
  )
  const features = given.flatMap(({ input: { name }, kind }) =>
    kind.kind === 'features' ? [[name, { ...emptyFeatures(kind.forms), ...featuresOf(inputs[name]) }] as const] : [],
  )
  return {
    ...empty,
    texts: { ...empty.texts, ...Object.fromEntries(texts) },
    features: { ...empty.features, ...Object.fromEntries(features) },
  }
}

/** What was kept of a draft, as far as the process still has it. */
export function revive(process: Process, fields: readonly FormField[], kept: unknown): Draft {
  const empty = emptyDraft(process, fields)
  const { texts, features, outputs } = record(kept)
  return {
    texts: same(empty.texts, texts),
    features: Object.fromEntries(
      Object.entries(empty.features).map(([name, draft]) => [name, same(draft, record(features)[name], ['upload'])]),
    ),
    outputs: same(empty.outputs, outputs),
  }
}

/** *kept* where it has members of the types of *empty*. */
function same<T extends object>(empty: T, kept: unknown, nullable: readonly string[] = []): T {
  const found = Object.entries(record(kept)).filter(([name, value]) => {
    const now = (empty as Record<string, unknown>)[name]
    const isAlike = typeof value === typeof now && Array.isArray(value) === Array.isArray(now)
    return Object.hasOwn(empty, name) && (isAlike || nullable.includes(name))
  })
  return { ...empty, ...Object.fromEntries(found) }
}

/** How a request names features of a layer; null: none is chosen. */
export const layerReference = ({ collection, filter, asOf }: LayerDraft): Readonly<Record<string, string>> | null => {
  const others = Object.entries({ filter, asOf }).filter(([, text]) => text.trim())
  return collection ? { collection, ...Object.fromEntries(others) } : null
}

function featuresOf(value: unknown): Partial<FeatureDraft> {
  const { collection, filter, asOf, href, layer, crs } = record(value)
  if (typeof collection === 'string')
    return { way: 'layer', collection, filter: textOf(filter), asOf: textOf(asOf) }
  if (typeof href === 'string')
    return {
      way: 'upload',
      ...(isUrl(href) ? { fileUrl: href } : { upload: { href, name: href, bytes: 0, expires: '' } }),
      fileLayer: textOf(layer),
      fileSystem: textOf(crs),
    }
  return { way: 'paste', pasted: JSON.stringify(value) }
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  const isList = Array.isArray(value) && value.every((item) => item === null || typeof item === 'number')
  return isList ? value.map((item) => item ?? '-').join(', ') : JSON.stringify(value)
}

const isUrl = (href: string): boolean => /^https?:/i.test(href)
const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
