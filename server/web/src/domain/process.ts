/** Processes as their descriptions tell them, and what kind of field each input is. */

export type Schema = Readonly<Record<string, unknown>>

export interface ProcessSummary {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly keywords: readonly string[]
  readonly version: string
}

export interface ProcessInput {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly required: boolean
  readonly schema: Schema
}

export interface ProcessOutput {
  readonly name: string
  readonly title: string
  readonly description: string
  /** Its features may be kept as a collection, a layer like any other. */
  readonly layered: boolean
}

export interface Process extends ProcessSummary {
  readonly inputs: readonly ProcessInput[]
  readonly outputs: readonly ProcessOutput[]
  /** Inputs that work, as the description gives them; null where it gives none. */
  readonly example: Readonly<Record<string, unknown>> | null
}

/** Features as a collection: asked for by this media type (and answered with a link to it). */
export const COLLECTION_TYPE = 'application/vnd.ogc.collection+json'

export const SHAPES = ['Point', 'LineString', 'Polygon'] as const
export type Shape = (typeof SHAPES)[number]
const KINDS: readonly string[] = SHAPES.flatMap((shape) => [shape, `Multi${shape}`])

/** In which forms an input takes features. */
export interface FeatureForms {
  readonly kinds: ReadonlySet<string>
  readonly geometry: boolean
  readonly collection: boolean
  /** `{"collection": …}`: features of a layer. */
  readonly named: boolean
  /** `{"href": …}`: a file. */
  readonly uploaded: boolean
}

export type FieldKind =
  | { readonly kind: 'text'; readonly long: boolean }
  | {
      readonly kind: 'number'
      readonly whole: boolean
      readonly least: number | null
      readonly most: number | null
    }
  | { readonly kind: 'choice'; readonly options: readonly string[] }
  | { readonly kind: 'flag' }
  | { readonly kind: 'date' }
  /** The URI of a reference system. */
  | { readonly kind: 'system' }
  | { readonly kind: 'numbers'; readonly whole: boolean; readonly gaps: boolean }
  | { readonly kind: 'features'; readonly forms: FeatureForms }
  /** A number where it reads as one, else text. */
  | { readonly kind: 'scalar' }
  | { readonly kind: 'json' }

export interface FormField {
  readonly input: ProcessInput
  readonly kind: FieldKind
  /** The text of its default; empty where it has none. */
  readonly initial: string
}

const LONG_TEXT = 1_000
const SYSTEM_URI = 'http://www.opengis.net/def/crs/'
export const CRS84 = `${SYSTEM_URI}OGC/1.3/CRS84`
export const epsgUri = (code: number): string => `${SYSTEM_URI}EPSG/0/${code}`

export const fieldsOf = (process: Process): readonly FormField[] =>
  process.inputs.map((input) => ({ input, kind: kindOf(input.schema), initial: textOf(input.schema['default']) }))

/** The field for a value of *schema*: of the closed subset that the server's descriptions use; JSON text else. */
export function kindOf(schema: Schema): FieldKind {
  const forms = featureForms(schema)
  if (forms) return { kind: 'features', forms }
  const types = new Set([schema['type']].flat())
  if (Array.isArray(schema['enum'])) return { kind: 'choice', options: schema['enum'].map(textOf) }
  if (types.has('string')) return textKind(schema)
  if (types.has('number') || types.has('integer'))
    return {
      kind: 'number',
      whole: !types.has('number'),
      least: numberIn(schema, 'minimum'),
      most: numberIn(schema, 'maximum'),
    }
  if (types.has('boolean')) return 'default' in schema ? { kind: 'flag' } : { kind: 'choice', options: ['true', 'false'] }
  if (types.has('array')) return arrayKind(record(schema['items']))
  const branches = alternatives(schema).map(({ type }) => type)
  if (branches.length && branches.every((type) => type === 'string' || type === 'number')) return { kind: 'scalar' }
  return { kind: 'json' }
}

/** How an input takes features; null where it takes none. */
export function featureForms(schema: Schema): FeatureForms | null {
  const branches = [schema, ...alternatives(schema)].map((branch) => record(branch['properties']))
  const types = new Set(branches.flatMap(({ type }) => enumOf(type)))
  const kinds = new Set(kindsIn(schema, DEPTH))
  if (!kinds.size || !types.size) return null
  return {
    kinds,
    geometry: KINDS.some((kind) => types.has(kind)),
    collection: types.has('FeatureCollection'),
    named: branches.some((properties) => 'collection' in properties),
    uploaded: branches.some((properties) => 'href' in properties),
  }
}

/** What can be drawn for it: a shape is also a part of its kind of many. */
export const shapesOf = ({ kinds }: FeatureForms): readonly Shape[] =>
  SHAPES.filter((shape) => kinds.has(shape) || kinds.has(`Multi${shape}`))

function textKind(schema: Schema): FieldKind {
  if (schema['format'] === 'date') return { kind: 'date' }
  const known = [schema['default'], schema['example']].map(textOf)
  if (known.some((text) => text.startsWith(SYSTEM_URI))) return { kind: 'system' }
  return { kind: 'text', long: (numberIn(schema, 'maxLength') ?? 0) > LONG_TEXT }
}

function arrayKind(items: Schema): FieldKind {
  const types = new Set([items['type']].flat())
  if (!types.has('number') && !types.has('integer')) return { kind: 'json' }
  return { kind: 'numbers', whole: !types.has('number'), gaps: types.has('null') }
}

/** Deep enough for the geometry of a feature of a collection, one of several forms. */
const DEPTH = 12

function kindsIn(value: unknown, depth: number): readonly string[] {
  if (depth === 0 || typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((item) => kindsIn(item, depth - 1))
  return Object.entries(value).flatMap(([name, item]) =>
    name === 'enum' || name === 'const'
      ? [item].flat().filter((kind): kind is string => KINDS.includes(kind as string))
      : kindsIn(item, depth - 1),
  )
}

const alternatives = (schema: Schema): readonly Schema[] => [schema['oneOf'] ?? [], schema['anyOf'] ?? []].flat().map(record)
const enumOf = (schema: unknown): readonly unknown[] => [record(schema)['enum'] ?? record(schema)['const'] ?? []].flat()
const numberIn = (schema: Schema, name: string): number | null =>
  typeof schema[name] === 'number' ? (schema[name] as number) : null
const record = (value: unknown): Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : {}
const textOf = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)
