/** What every layer must say about itself, as rows for a reader. */

import type { Words } from '../app/i18n/words'
import type { Edition, Layer } from '../domain/catalogue'
import { isoDate } from '../domain/date'

export interface Row {
  readonly name: string
  readonly value: string | null
  readonly missing: string
}

export function describeLayer(
  layer: Layer,
  edition: Edition | null,
  { layer: words, classifications }: Words,
): readonly Row[] {
  const row = (name: string, value: string | null | undefined): Row => ({
    name,
    value: value || null,
    missing: words.missing,
  })
  return [
    row(words.edition, edition?.title),
    row(words.status, edition?.status.title),
    row(words.issuer, edition?.issuer.title),
    row(words.document, edition?.document),
    row(words.validity, edition && validity(edition, words)),
    row(words.source, layer.source),
    row(words.updated, isoDate(layer.updated)),
    row(words.keeper, layer.keeper),
    row(words.classification, classifications[layer.classification] ?? layer.classification),
    row(words.description, layer.description),
  ]
}

function validity({ validFrom, validTo }: Edition, words: Words['layer']): string | null {
  if (validFrom === null) return null
  return validTo === null ? words.since(validFrom) : words.until(validFrom, validTo)
}
