/** Features and the text of their attributes. */

import type { Field } from './catalogue'

export interface Feature {
  readonly id: string
  readonly geometry: unknown
  readonly properties: Readonly<Record<string, unknown>>
}

export interface FeaturePage {
  readonly features: readonly Feature[]
  /** True when the server has more than it was asked for. */
  readonly more: boolean
}

/**
 * The text of one attribute, or null when it is missing (never 0, never an empty cell). Only a quantity, which has a
 * unit, is written with thousands separators: a year or a number of order is not one.
 */
export function attributeText(field: Field, value: unknown, locale: string): string | null {
  if (value === null || value === undefined || value === '') return null
  if (typeof value === 'number') {
    return field.type === 'integer' || field.type === 'decimal' || field.type === 'number'
      ? new Intl.NumberFormat(locale, { maximumFractionDigits: 6, useGrouping: field.unit !== null }).format(value)
      : String(value)
  }
  if (typeof value === 'boolean') return String(value)
  const code = typeof value === 'string' ? value : JSON.stringify(value)
  const title = field.codes[code]
  return title ? `${code} ${title}` : code
}
