/** What of a form stands in the address: short texts, the layers chosen, which results; one codec. */

import type { FormField } from '../../domain/process'
import type { Draft, FeatureDraft, OutputWay } from '../../domain/processDraft'

export type Query = Readonly<Record<string, string>>

export interface Decoded {
  readonly draft: Draft
  /** Parts of the address that mean nothing here, as written. */
  readonly dropped: readonly string[]
}

const LONGEST = 200
/** Inputs have names of their own; these keep them from ours. */
const INPUT = 'i.'
const OUTPUT = 'o.'
const OWN: readonly string[] = ['from']
const PARTS = ['filter', 'asOf'] as const

export function encode(draft: Draft, fields: readonly FormField[]): Query {
  const query: Record<string, string> = {}
  const put = (name: string, text: string): void => {
    if (text.length <= LONGEST) query[name] = text
  }
  for (const { input, kind, initial } of fields) {
    const features = draft.features[input.name]
    const text = draft.texts[input.name] ?? ''
    if (kind.kind !== 'features') {
      if (text !== initial) put(`${INPUT}${input.name}`, text)
    } else if (features?.way === 'layer' && features.collection) {
      put(`${INPUT}${input.name}`, features.collection)
      for (const part of PARTS) if (features[part]) put(`${INPUT}${input.name}.${part}`, features[part])
    }
  }
  for (const [name, way] of Object.entries(draft.outputs)) if (way !== 'value') put(`${OUTPUT}${name}`, way)
  return query
}

/** The draft that the address says, over *before*. */
export function decode(query: Readonly<Record<string, unknown>>, fields: readonly FormField[], before: Draft): Decoded {
  const texts = { ...before.texts }
  const features: Record<string, FeatureDraft> = { ...before.features }
  const outputs: Record<string, OutputWay> = { ...before.outputs }
  const dropped: string[] = []
  const take = (name: string, text: string): boolean => {
    const output = name.slice(OUTPUT.length)
    if (name.startsWith(OUTPUT) && Object.hasOwn(outputs, output) && (text === 'none' || text === 'layer')) {
      outputs[output] = text
      return true
    }
    const [input = '', part] = split(name, fields)
    const now = features[input]
    if (part === undefined && Object.hasOwn(texts, input)) texts[input] = text
    else if (part === undefined && now) features[input] = { ...now, way: 'layer', collection: text }
    else if (part !== undefined && now) features[input] = { ...now, [part]: text }
    else return false
    return true
  }
  for (const [name, text] of Object.entries(query))
    if (!OWN.includes(name) && (typeof text !== 'string' || !take(name, text))) dropped.push(`${name}=${String(text ?? '')}`)
  return { draft: { texts, features, outputs }, dropped }
}

/** The input that a name of the address means, and the part of its features. */
function split(name: string, fields: readonly FormField[]): readonly [string?, (typeof PARTS)[number]?] {
  if (!name.startsWith(INPUT)) return []
  const rest = name.slice(INPUT.length)
  if (fields.some(({ input }) => input.name === rest)) return [rest]
  const part = PARTS.find((each) => rest.endsWith(`.${each}`))
  return part ? [rest.slice(0, -part.length - 1), part] : []
}
