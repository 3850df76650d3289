/** Quantities in results: the end of a member's name says its unit (`_m2`, `_m`), as in all of this system's API. */

import { hectares, mu } from './area'

export type Unit = 'area' | 'length' | null

export const unitOf = (name: string): Unit => (/_m2$/.test(name) ? 'area' : /_m$/.test(name) ? 'length' : null)

const LENGTH_DECIMALS = 3
const DECIMALS = 10

/** The number in the unit that practice writes: hectares for an area, metres for a length. */
export function quantity(value: number, unit: Unit, locale: string): string {
  if (unit === 'area') return hectares(value, locale) ?? ''
  const digits = unit === 'length' ? LENGTH_DECIMALS : DECIMALS
  const format = { maximumFractionDigits: digits, useGrouping: unit !== null }
  return new Intl.NumberFormat(locale, format).format(value)
}

/** The same area in mu (亩). */
export const inMu = (areaM2: number, locale: string): string => mu(areaM2, locale) ?? ''
