/** The request that a draft makes, and what is wrong with it before the server is asked. */

import { readPositions, valueOf, type Drawn } from './geometry'
import { COLLECTION_TYPE, CRS84, type FeatureForms, type FieldKind, type FormField, type Process } from './process'
import { layerReference, type Draft, type FeatureDraft } from './processDraft'

/** What is wrong with a field before the server is asked; the words are the page's. */
export type Fault =
  | { readonly is: 'missing' | 'number' | 'whole' | 'numbers' | 'json' | 'shapes' | 'system' }
  | { readonly is: 'low' | 'high' | 'line' | 'few'; readonly at: number }

export interface Request {
  readonly body: Readonly<Record<string, unknown>>
  /** By the name of the input. */
  readonly faults: Readonly<Record<string, Fault>>
  readonly nothingAsked: boolean
}

/** The body of the request, with everything that is known to be wrong about it. */
export function request(process: Process, fields: readonly FormField[], draft: Draft): Request {
  const inputs: Record<string, unknown> = {}
  const faults: Record<string, Fault> = {}
  const degrees = fields.some(({ input, kind }) => kind.kind === 'features' && isDegrees(draft.features[input.name]))
  for (const field of fields) {
    const { name } = field.input
    const read =
      field.kind.kind === 'features'
        ? readFeatures(field.kind.forms, draft.features[name])
        : readText(field, draft.texts[name])
    // What was drawn or typed is in degrees: another system of the coordinates would move it.
    if (degrees && isSourceSystem(field) && read !== null) faults[name] = { is: 'system' }
    else if (read === null) {
      if (field.input.required && !field.initial) faults[name] = { is: 'missing' }
    } else if ('is' in read) faults[name] = read
    else inputs[name] = read.value
  }
  const asked = process.outputs.filter(({ name }) => draft.outputs[name] !== 'none')
  const isPlain = asked.length === process.outputs.length && asked.every(({ name }) => draft.outputs[name] !== 'layer')
  const outputs = Object.fromEntries(
    asked.map(({ name }) => [name, draft.outputs[name] === 'layer' ? { format: { mediaType: COLLECTION_TYPE } } : {}]),
  )
  const nothingAsked = asked.length === 0 && process.outputs.length > 0
  // Several results are one document of them; else they would come as parts of a multipart answer.
  const response = asked.length > 1 ? { response: 'document' } : {}
  return { body: { inputs, ...(!isPlain && { outputs }), ...response }, faults, nothingAsked }
}

type Read = { readonly value: unknown } | Fault | null

const isSourceSystem = ({ kind, initial }: FormField): boolean => kind.kind === 'system' && initial === CRS84
const isDegrees = (draft: FeatureDraft | undefined): boolean =>
  draft?.way === 'draw'
    ? draft.drawn.length > 0
    : draft?.way === 'paste' && !!draft.pasted.trim() && !isJson(draft.pasted)
export const isJson = (text: string): boolean => /^\s*[[{]/.test(text)

function readText({ kind, initial }: FormField, text = ''): Read {
  const plain = text.trim()
  if (!plain || text === initial) return null // the server fills in its default
  switch (kind.kind) {
    case 'number':
      return readNumber(plain, kind)
    case 'flag':
      return { value: plain === 'true' }
    case 'choice':
      return { value: kind.options.join() === 'true,false' ? plain === 'true' : text }
    case 'numbers':
      return readNumbers(plain, kind)
    case 'scalar':
      return { value: isNumber(plain) ? Number(plain) : text }
    case 'json':
      return parsed(plain)
    default:
      return { value: text }
  }
}

function readNumber(text: string, { whole, least, most }: Extract<FieldKind, { kind: 'number' }>): Read {
  const value = Number(text)
  if (!isNumber(text)) return { is: 'number' }
  if (whole && !Number.isInteger(value)) return { is: 'whole' }
  if (least !== null && value < least) return { is: 'low', at: least }
  if (most !== null && value > most) return { is: 'high', at: most }
  return { value }
}

/** Numbers between spaces, commas or line breaks; a dash stands for one that is missing. */
function readNumbers(text: string, { whole, gaps }: Extract<FieldKind, { kind: 'numbers' }>): Read {
  const parts = text.split(/[\s,，;；、]+/).filter(Boolean)
  const values = parts.map((part) => (gaps && /^(-|—|null)$/.test(part) ? null : isNumber(part) ? Number(part) : NaN))
  const isRight = (value: number | null): boolean => value === null || (whole ? Number.isInteger(value) : !isNaN(value))
  return values.every(isRight) ? { value: values } : { is: 'numbers' }
}

function readFeatures(forms: FeatureForms, draft: FeatureDraft | undefined): Read {
  if (!draft) return null
  switch (draft.way) {
    case 'draw':
      return draft.drawn.length ? put(draft.drawn, forms) : null
    case 'upload':
      return readFile(draft)
    case 'layer': {
      const value = layerReference(draft)
      return value && { value }
    }
    case 'paste':
      return readPasted(forms, draft)
  }
}

function readFile({ upload, fileUrl, fileLayer, fileSystem }: FeatureDraft): Read {
  const href = upload?.href ?? fileUrl.trim()
  return href ? { value: { href, ...filled({ layer: fileLayer, crs: fileSystem }) } } : null
}

function readPasted(forms: FeatureForms, { pasted, shape }: FeatureDraft): Read {
  if (!pasted.trim()) return null
  if (isJson(pasted)) return parsed(pasted)
  const typed = readPositions(pasted, shape)
  if ('line' in typed) return { is: 'line', at: typed.line }
  if ('few' in typed) return { is: 'few', at: typed.few }
  return put(typed.shapes, forms)
}

function put(shapes: readonly Drawn[], forms: FeatureForms): Read {
  const value = valueOf(shapes, forms)
  return value === null ? { is: 'shapes' } : { value }
}

function parsed(text: string): Read {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return { is: 'json' }
  }
}

const isNumber = (text: string): boolean => /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)
const filled = (texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(texts).filter(([, text]) => text.trim()))

/** The command line that sends *body*: one line of JSON in a here-document, which no quote of it can end. */
export function curl(address: string, body: unknown, signedIn: boolean): string {
  const header = ['Content-Type: application/json', 'Prefer: respond-async']
  const options = header.map((line) => `-H '${line}'`)
  // The key is the caller's own and never on the page: the shell fills it in.
  if (signedIn) options.push('-H "Authorization: Bearer $ONEMAP_KEY"')
  return `curl -X POST '${address}' ${options.join(' ')} --data-binary @- <<'JSON'\n${JSON.stringify(body)}\nJSON\n`
}
