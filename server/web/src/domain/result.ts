/** Results of a process as things to look at: a layer, features, a table, a record, a text. */

import type { Bounds } from './catalogue'

/** What one output gave. */
export type Shown =
  | { readonly kind: 'layer'; readonly collection: string; readonly title: string }
  | { readonly kind: 'elsewhere'; readonly type: string }
  | FoundFeatures
  | { readonly kind: 'rows'; readonly rows: readonly Row[] }
  | { readonly kind: 'record'; readonly record: Row }
  | { readonly kind: 'value'; readonly value: unknown }

export interface FoundFeatures {
  readonly kind: 'features'
  /** Their attributes. */
  readonly features: readonly Row[]
  /** Their geometries in the same order; null where there is none. */
  readonly geometries: readonly unknown[]
  /** In longitude and latitude: they can be drawn. */
  readonly geographic: boolean
}

export type Row = Readonly<Record<string, unknown>>

export const isRow = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A list of records: what a table shows. */
export const isTable = (value: unknown): value is readonly Row[] =>
  Array.isArray(value) && value.length > 0 && value.every(isRow)

const COLLECTION = /\/collections\/([A-Za-z0-9_.-]+)$/
const LONGITUDE_LATITUDE = /(?:CRS84h?|4490|4326|4979|4480)$/

export function show(value: unknown): Shown {
  if (isRow(value) && typeof value['href'] === 'string') return link(value, value['href'])
  if (isRow(value) && value['type'] === 'FeatureCollection' && Array.isArray(value['features']))
    return features(value, value['features'].filter(isRow))
  if (isTable(value)) return { kind: 'rows', rows: value }
  return isRow(value) ? { kind: 'record', record: value } : { kind: 'value', value }
}

/** The columns of *rows*, in the order in which they first occur. */
export const columnsOf = (rows: readonly Row[]): readonly string[] => [
  ...new Set(rows.flatMap((row) => Object.keys(row))),
]

function link(value: Row, href: string): Shown {
  const [, collection] = COLLECTION.exec(href) ?? []
  const [title, type] = [value['title'], value['type']]
  if (collection === undefined) return { kind: 'elsewhere', type: typeof type === 'string' ? type : '' }
  return { kind: 'layer', collection, title: typeof title === 'string' ? title : collection }
}

/** Features in another reference system than longitude and latitude are listed, but not drawn. */
function features(collection: Row, found: readonly Row[]): Shown {
  const system = collection['coordRefSys']
  return {
    kind: 'features',
    features: found.map(attributes),
    geometries: found.map((feature) => feature['geometry'] ?? null),
    geographic: system === undefined || system === null || LONGITUDE_LATITUDE.test(String(system)),
  }
}

function attributes(feature: Row): Row {
  const properties = isRow(feature['properties']) ? feature['properties'] : {}
  return feature['id'] === undefined ? properties : { id: feature['id'], ...properties }
}

/** West, south, east, north of geometries in longitude and latitude; null where they have no position. */
export function boundsOf(geometries: readonly unknown[]): Bounds | null {
  const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity]
  const waiting: unknown[] = [...geometries]
  while (waiting.length) {
    const part = waiting.pop()
    if (isRow(part)) waiting.push(part['coordinates'], part['geometries'])
    if (!Array.isArray(part)) continue
    const [x, y] = part as unknown[]
    if (typeof x === 'number' && typeof y === 'number') {
      box[0] = Math.min(box[0], x)
      box[1] = Math.min(box[1], y)
      box[2] = Math.max(box[2], x)
      box[3] = Math.max(box[3], y)
    } else for (const inner of part) waiting.push(inner)
  }
  return box[0] === Infinity ? null : box
}
