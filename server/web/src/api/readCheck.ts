/** A check and the opinions on it as values, read as in `read.ts`. */

import {
  FACTS,
  OUTCOMES,
  type Check,
  type CheckLayer,
  type CheckParcel,
  type Composition,
  type CompositionRow,
  type Concern,
  type Fault,
  type KeptCheck,
  type ManualItem,
  type Opinion,
  type Outcome,
  type Piece,
  type RuleBrief,
  type RuleFinding,
  type Titled,
} from '../domain/check'
import { list, memberOf, numberOrNull, record, text, textOrNull } from './read'

const KIND = 'compliance_check'

interface CheckDocument {
  readonly kind: unknown
  readonly hash: unknown
  readonly advisory: unknown
  readonly ruleset: unknown
  readonly profile: unknown
  readonly check_date: unknown
  readonly as_of: unknown
  readonly planar_crs: unknown
  readonly project: unknown
  readonly layers: unknown
  readonly parcels: unknown
  readonly manual: unknown
}

const ofCheck = memberOf<CheckDocument>()

/** The check among the outputs of a run, whatever its output is called; null: there is none. */
export const checkIn = (outputs: Readonly<Record<string, unknown>>): unknown =>
  [outputs, ...Object.values(outputs)].find((value) => ofCheck(value, 'kind') === KIND) ?? null

export const hashOf = (check: unknown): string => text(ofCheck(check, 'hash'))

export function readCheck(json: unknown): Check {
  const [ruleset, profile] = [record(ofCheck(json, 'ruleset')), record(ofCheck(json, 'profile'))]
  const [plane, project] = [record(ofCheck(json, 'planar_crs')), record(ofCheck(json, 'project'))]
  const parcels = list(ofCheck(json, 'parcels'))
  const documents = new Map<string, string>()
  for (const parcel of parcels)
    for (const rule of list(record(parcel)['rules']))
      for (const need of list(record(rule)['needs'])) documents.set(text(record(need)['id']), text(record(need)['title']))
  return {
    hash: hashOf(json),
    advisory: titled(ofCheck(json, 'advisory')),
    ruleset: { id: text(ruleset['id']), version: text(ruleset['version']), title: titled(ruleset['title']) },
    names: new Map(Object.entries(record(ruleset['titles'])).map(([id, name]) => [id, text(name)])),
    overrides: list(ruleset['overrides']).map((one) => `${text(record(one)['id'])} ${text(record(one)['version'])}`),
    profile: { id: text(profile['id']), title: titled(profile['title']) },
    checkDate: text(ofCheck(json, 'check_date')),
    asOf: textOrNull(ofCheck(json, 'as_of')),
    plane: text(plane['name']) || text(plane['uri']),
    project: { name: textOrNull(project['name']), code: textOrNull(project['code']) },
    layers: list(ofCheck(json, 'layers')).map(layer),
    parcels: parcels.map(parcelOf),
    manual: list(ofCheck(json, 'manual')).map(manualItem),
    documents,
  }
}

export function readOpinion(json: unknown): Opinion {
  const said = record(json)
  const parcels = said['parcels']
  return {
    id: text(said['id']),
    hash: text(said['hash']),
    conclusion: outcome(said['conclusion']),
    text: text(said['text']),
    documentNumber: text(said['document_number']),
    documentDate: text(said['document_date']),
    parcels: Array.isArray(parcels) ? parcels.filter((one): one is number => typeof one === 'number') : null,
    signedBy: text(said['signed_by']),
    signedAt: text(said['signed_at']),
    proof: titled(said['proof']),
    supersedes: textOrNull(said['supersedes']),
  }
}

export function keptCheck(json: unknown): KeptCheck {
  const said = record(json)
  const project = record(said['project'])
  return {
    hash: text(said['hash']),
    matter: titled(record(said['profile'])['title']),
    project: [textOrNull(project['name']), textOrNull(project['code'])].filter(Boolean).join(' · ') || null,
    checkDate: text(said['check_date']),
    keptAt: text(said['kept_at']),
    parcels: numberOrNull(said['parcels']),
    overall: outcome(said['overall']),
    opinions: numberOrNull(said['opinions']) ?? 0,
    conclusion: textOrNull(said['conclusion']) === null ? null : outcome(said['conclusion']),
  }
}

/** A word that is not known is not a good one. */
const outcome = (value: unknown): Outcome => OUTCOMES.find((known) => known === value) ?? 'VERIFY'

function titled(value: unknown): Titled {
  const zh = text(value) || text(record(value)['zh'])
  return { zh, en: text(record(value)['en']) || zh }
}

function titledOrNull(value: unknown): Titled | null {
  const title = titled(value)
  return title.zh ? title : null
}

function layer(json: unknown): CheckLayer {
  const said = record(json)
  const edition = record(said['edition'])
  return {
    binding: text(said['binding']),
    title: titled(said['title']),
    mandatory: said['mandatory'] === true,
    connected: said['connected'] === true,
    reason: textOrNull(said['reason']),
    layer: titledOrNull(said['layer_title']) ?? titledOrNull(said['layer']),
    edition: titledOrNull(edition['title']) ?? titledOrNull(edition['key']),
    validFrom: textOrNull(edition['valid_from']),
    document: textOrNull(edition['document']),
    synthetic: said['synthetic'] === true,
  }
}

function parcelOf(json: unknown): CheckParcel {
  const said = record(json)
  const [areas, summary] = [record(said['areas']), record(said['summary'])]
  const region = record(said['region'])
  const rules = list(said['rules'])
  return {
    number: numberOrNull(said['number']) ?? 0,
    name: textOrNull(said['name']) ?? textOrNull(said['id']),
    geometry: said['geometry'] ?? null,
    region: textOrNull(region['name']) ?? textOrNull(region['code']),
    declaredM2: numberOrNull(areas['declared_m2']),
    planarM2: numberOrNull(areas['planar_m2']),
    ellipsoidM2: numberOrNull(areas['ellipsoid_m2']),
    faults: list(said['faults']).map(fault),
    overall: outcome(said['overall']),
    summary: {
      FAIL: numberOrNull(summary['FAIL']) ?? 0,
      COND: numberOrNull(summary['COND']) ?? 0,
      VERIFY: numberOrNull(summary['VERIFY']) ?? 0,
      INFO: numberOrNull(summary['INFO']) ?? 0,
      PASS: numberOrNull(summary['PASS']) ?? 0,
    },
    brief: rules.map(brief),
    rules: once(() => rules.map(rule)),
    composition: once(() => composition(said['composition'])),
  }
}

function fault(json: unknown): Fault {
  const said = record(json)
  const place = said['place']
  return {
    code: text(said['code']),
    title: titledOrNull(said['title']),
    isError: said['severity'] === 'error',
    message: titled(said['message']),
    place: text(place) || (place === null || place === undefined ? '' : placeText(place)),
  }
}

const placeText = (place: unknown): string =>
  Object.entries(record(place))
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ')

function brief(json: unknown): RuleBrief {
  const said = record(json)
  const fact = text(said['fact'])
  return {
    rule: text(said['rule']),
    title: titled(said['title']),
    mandatory: said['mandatory'] === true,
    fact: Object.entries(FACTS).find(([word]) => word === fact)?.[1] ?? null,
    outcome: outcome(said['suggestion']),
  }
}

function rule(json: unknown): RuleFinding {
  const said = record(json)
  return {
    ...brief(json),
    version: numberOrNull(said['version']),
    clause: numberOrNull(said['clause']) ?? 0,
    text: text(said['text']),
    reasons: list(said['reasons']).map(text),
    needs: list(said['needs']).map((need) => ({ id: text(record(need)['id']), title: text(record(need)['title']) })),
    limits: list(said['limits']).map(titled),
    legal: list(said['legal']).map((one) => ({
      cite: text(record(one)['cite']),
      unverified: record(one)['verify'] === true,
    })),
    concerns: list(said['concerns']).map(concern),
    pieces: list(said['pieces']).map(piece),
  }
}

function concern(json: unknown): Concern {
  const said = record(json)
  return {
    binding: text(said['binding']),
    ellipsoidM2: numberOrNull(said['ellipsoid_m2']),
    planarM2: numberOrNull(said['planar_m2']),
    noiseM2: numberOrNull(said['noise_m2']),
    share: numberOrNull(said['share']),
    declaredM2: numberOrNull(said['declared_m2']),
    netM2: numberOrNull(said['net_m2']),
    distanceM: numberOrNull(said['distance_m']),
    geometry: said['geometry'] ?? null,
    features: list(said['features']).map((one) => ({
      id: text(record(one)['id']),
      plan: textOrNull(record(one)['plan']),
      document: textOrNull(record(one)['document']),
      ellipsoidM2: numberOrNull(record(one)['ellipsoid_m2']),
      planarM2: numberOrNull(record(one)['planar_m2']),
    })),
  }
}

function piece(json: unknown): Piece {
  const said = record(json)
  return {
    clause: numberOrNull(said['clause']) ?? 0,
    outcome: outcome(said['outcome']),
    text: text(said['text']),
    ellipsoidM2: numberOrNull(said['ellipsoid_m2']),
    planarM2: numberOrNull(said['planar_m2']),
    binding: textOrNull(said['binding']),
    feature: textOrNull(said['feature']),
    geometry: said['geometry'] ?? null,
  }
}

function manualItem(json: unknown): ManualItem {
  const said = record(json)
  return {
    rule: text(said['rule']),
    title: titled(said['title']),
    reason: titled(said['reason']),
    choices: list(said['choices']).map((one) => ({
      outcome: outcome(record(one)['outcome']),
      text: text(record(one)['text']),
    })),
  }
}

function composition(json: unknown): Composition {
  const rows = (value: unknown): readonly CompositionRow[] | null =>
    Array.isArray(value) ? value.map(compositionRow) : null
  return { present: rows(record(json)['present']), planned: rows(record(json)['planned']) }
}

function compositionRow(json: unknown): CompositionRow {
  const said = record(json)
  return {
    code: text(said['code']),
    name: text(said['name']),
    ellipsoidM2: numberOrNull(said['ellipsoid_m2']),
    declaredM2: numberOrNull(said['declared_m2']),
    share: numberOrNull(said['share']),
  }
}

/** Read at the first call, the same from then on. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => (made ??= { value: make() }).value
}
