/** Members of results as the texts of cells; null is missing, never zero. */

import { words } from '../../app/i18n/words'
import { inMu, quantity, unitOf } from '../../domain/quantity'
import { isRow } from '../../domain/result'
import { said } from './words'

const LONGEST = 300

/** The head of a column: the member's name, and the unit in which its figures are written. */
export function heading(name: string): string {
  const unit = unitOf(name)
  if (unit === 'area') return said.value.results.hectares(name.replace(/_m2$/, ''))
  return unit === 'length' ? said.value.results.metres(name.replace(/_m$/, '')) : name
}

export function cell(name: string, value: unknown): string | null {
  if (value === null || value === undefined || value === '') return null
  if (typeof value === 'number') return quantity(value, unitOf(name), words.value.locale)
  if (typeof value === 'boolean') return words.value.booleans[value ? 'true' : 'false']
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

/** As `cell`; an area in mu as well. */
export function figure(name: string, value: unknown): string | null {
  const text = cell(name, value)
  if (text === null || typeof value !== 'number' || unitOf(name) !== 'area') return text
  return `${text}（${said.value.results.mu(inMu(value, words.value.locale))}）`
}

/** It has an own place below the figures: a list or a record. */
export const isNested = (value: unknown): boolean =>
  isRow(value) || (Array.isArray(value) && value.some((item) => typeof item === 'object' && item !== null))
