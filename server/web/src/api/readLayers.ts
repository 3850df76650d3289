/** Layers and features as the server tells them, read as in `read.ts`. */

import type { Bounds, Coded, Edition, Field, Layer, ThemeName } from '../domain/catalogue'
import type { Feature, FeaturePage } from '../domain/feature'
import { list, memberOf, numberOrNull, ofLink, record, text, textOrNull } from './read'
import type { components } from './schema'

type Schemas = components['schemas']
type Theme = Schemas['LayerFacts']['theme']

const ofCollections = memberOf<Schemas['Collections']>()
const ofCollection = memberOf<Schemas['Collection']>()
const ofFacts = memberOf<Schemas['LayerFacts']>()
const ofTheme = memberOf<Theme>()
const ofEdition = memberOf<Schemas['Edition']>()
const ofCoded = memberOf<Schemas['CodeAndTitle']>()
const ofField = memberOf<Schemas['FieldFacts']>()
const ofFeature = memberOf<Schemas['Feature']>()
const ofPage = memberOf<Schemas['FeatureCollection']>()

/** The notice in the titles of synthetic layers: here `synthetic` says it. */
const SYNTHETIC_NOTICE = /(?:\s*[（(][^（）()]*(?:模拟|simulated|synthetic)[^（）()]*[）)])+$/i

export const readLayers = (json: unknown): readonly Layer[] => list(ofCollections(json, 'collections')).map(readLayer)

export function readLayer(json: unknown): Layer {
  const facts = ofCollection(json, 'x-onemap')
  const id = text(ofCollection(json, 'id'))
  const title = text(ofCollection(json, 'title')) || id
  const synthetic = ofFacts(facts, 'synthetic') === true
  const current = ofFacts(facts, 'edition')
  return {
    id,
    title: (synthetic && title.replace(SYNTHETIC_NOTICE, '')) || title,
    description: text(ofCollection(json, 'description')),
    bounds: bounds(ofCollection(json, 'extent')),
    theme: {
      ...themeName(ofFacts(facts, 'theme')),
      parents: list(ofTheme(ofFacts(facts, 'theme'), 'parents')).map(themeName),
    },
    edition: current ? edition(current) : null,
    editions: list(ofFacts(facts, 'editions')).map(edition),
    classification: text(ofFacts(facts, 'classification')),
    geometry: text(ofFacts(facts, 'geometry')),
    source: text(ofFacts(facts, 'source')),
    keeper: text(ofFacts(facts, 'keeper')),
    updated: textOrNull(ofFacts(facts, 'updated')),
    synthetic,
    external: ofFacts(facts, 'storage') === 'external',
    fields: list(ofFacts(facts, 'fields')).map(field),
    style: textOrNull(ofFacts(facts, 'style')),
  }
}

export function readFeature(json: unknown): Feature {
  return {
    id: text(ofFeature(json, 'id')),
    geometry: ofFeature(json, 'geometry') ?? null,
    properties: record(ofFeature(json, 'properties')),
  }
}

export function readFeaturePage(json: unknown): FeaturePage {
  return {
    features: list(ofPage(json, 'features')).map(readFeature),
    more: list(ofPage(json, 'links')).some((link) => ofLink(link, 'rel') === 'next'),
  }
}

function themeName(json: unknown): ThemeName {
  const id = text(ofTheme(json, 'id'))
  return { id, title: text(ofTheme(json, 'title')) || id, order: numberOrNull(ofTheme(json, 'order')) }
}

function coded(json: unknown): Coded {
  const code = text(ofCoded(json, 'code'))
  return { code, title: text(ofCoded(json, 'title')) || code }
}

function edition(json: unknown): Edition {
  const key = text(ofEdition(json, 'key'))
  return {
    key,
    title: text(ofEdition(json, 'title')) || key,
    validFrom: textOrNull(ofEdition(json, 'validFrom')),
    validTo: textOrNull(ofEdition(json, 'validTo')),
    status: coded(ofEdition(json, 'status')),
    issuer: coded(ofEdition(json, 'issuer')),
    document: textOrNull(ofEdition(json, 'document')),
  }
}

function field(json: unknown): Field {
  const name = text(ofField(json, 'name'))
  const codes = Object.entries(record(ofField(json, 'codes')))
  return {
    name,
    title: text(ofField(json, 'title')) || name,
    type: text(ofField(json, 'type')),
    unit: textOrNull(ofField(json, 'unit')),
    codes: Object.fromEntries(codes.map(([code, title]) => [code, text(title)])),
  }
}

/** Flat or high boxes: the heights are left out. */
function bounds(extent: unknown): Bounds | null {
  const box = list(list(record(record(extent)['spatial'])['bbox'])[0]).filter(
    (item): item is number => typeof item === 'number',
  )
  const [west, south, east, north] = box.length === 6 ? [box[0], box[1], box[3], box[4]] : box
  if (west === undefined || south === undefined || east === undefined || north === undefined) return null
  return [west, south, east, north]
}
