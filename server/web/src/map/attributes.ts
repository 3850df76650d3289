/** The attributes of a feature as rows: the server's titles and units, missing ones with their reason. */

import type { Words } from '../app/i18n/words'
import { hectares, mu } from '../domain/area'
import type { Field, Layer } from '../domain/catalogue'
import { attributeText, type Feature } from '../domain/feature'
import { isoDate } from '../domain/date'

export interface AttributeRow {
  readonly name: string
  readonly value: string | null
  readonly missing: string
  readonly strong?: boolean
}

/** Columns that the server adds to every layer; the rest are the specification's fields. */
const SYSTEM = /^om_/

export function describeFeature(layer: Layer, feature: Feature, words: Words): readonly AttributeRow[] {
  const { properties } = feature
  const { results } = words
  const text = (name: string): string | null => (typeof properties[name] === 'string' && properties[name]) || null
  const areaM2 = typeof properties['om_area_m2'] === 'number' ? properties['om_area_m2'] : null
  const fields = layer.fields.filter((field) => !SYSTEM.test(field.name))
  return [
    { name: results.id, value: feature.id || null, missing: results.missing, strong: true },
    ...fields.map((field) => ({
      name: fieldName(field, words),
      value: fieldValue(field, properties[field.name], words),
      missing: results.missing,
    })),
    ...(layer.geometry === 'none' ? [] : areaRows(areaM2, words)),
    { name: results.region, value: text('om_region'), missing: results.missingRegion },
    { name: results.plan, value: text('om_plan'), missing: results.missingPlan },
    { name: results.basis, value: text('om_basis'), missing: results.missingBasis },
  ]
}

function areaRows(areaM2: number | null, { results, locale }: Words): readonly AttributeRow[] {
  return [
    { name: results.area, value: hectares(areaM2, locale), missing: results.missingArea, strong: true },
    { name: results.areaMu, value: mu(areaM2, locale), missing: results.missingArea },
  ]
}

function fieldName({ title, unit }: Field, { results }: Words): string {
  return unit === null ? title : results.inUnit(title, unit)
}

function fieldValue(field: Field, value: unknown, words: Words): string | null {
  if (typeof value === 'boolean') return value ? words.booleans.true : words.booleans.false
  const text = attributeText(field, value, words.locale)
  return field.type === 'date' ? isoDate(text) : text
}
