/** Figures of a check as texts; null stays null: missing is not zero. */

import { words } from '../../app/i18n/words'
import { hectares, mu } from '../../domain/area'
import type { Fact } from '../../domain/check'
import { said } from './words'

export const ha = (areaM2: number | null): string | null => hectares(areaM2, words.value.locale)

export const haAndMu = (areaM2: number | null): string | null =>
  areaM2 === null ? null : said.value.parcel.hectares(ha(areaM2) ?? '', mu(areaM2, words.value.locale) ?? '')

export const number = (value: number, digits = 0): string =>
  new Intl.NumberFormat(words.value.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)

export const squareMetres = (areaM2: number | null): string | null =>
  areaM2 === null ? null : said.value.detail.squareMetres(number(areaM2, 2))

export const percent = (share: number | null): string | null => (share === null ? null : `${number(share * 100, 2)}%`)

export const factWord = (fact: Fact | null): string => said.value.facts[fact ?? 'unknown']

/** `not_connected:farmland_issued` as a sentence; *titles* name what is known by an id. */
export function reasonText(reason: string, titles: ReadonlyMap<string, string>): string {
  const [kind = '', ...rest] = reason.split(':')
  const id = rest.join(':')
  const what = titles.get(id) ?? id
  const known = said.value.reasons
  const isKnown = (name: string): name is keyof typeof known => Object.hasOwn(known, name)
  return isKnown(kind) && kind !== 'other' ? known[kind](what) : known.other(reason)
}
