/** Layers, editions and fields, as the rest of the application speaks of them. */

export interface Coded {
  readonly code: string
  readonly title: string
}

export interface Edition {
  readonly key: string
  readonly title: string
  readonly validFrom: string | null
  readonly validTo: string | null
  readonly status: Coded
  readonly issuer: Coded
  readonly document: string | null
}

export interface Field {
  readonly name: string
  readonly title: string
  readonly type: string
  readonly unit: string | null
  /** Titles by code; empty where the field is not coded or the document is the short one. */
  readonly codes: Readonly<Record<string, string>>
}

export interface ThemeName {
  readonly id: string
  readonly title: string
  /** Place among its siblings; null where the server does not say. */
  readonly order: number | null
}

export interface Theme extends ThemeName {
  readonly parents: readonly ThemeName[]
}

/** West, south, east, north in degrees (EPSG:4490 as longitude, latitude). */
export type Bounds = readonly [number, number, number, number]

export interface Layer {
  readonly id: string
  /** Without the notice that the server adds to the titles of synthetic layers: `synthetic` says it. */
  readonly title: string
  readonly description: string
  readonly bounds: Bounds | null
  readonly theme: Theme
  readonly edition: Edition | null
  readonly editions: readonly Edition[]
  readonly classification: string
  readonly geometry: string
  readonly source: string
  readonly keeper: string
  readonly updated: string | null
  readonly synthetic: boolean
  /** A table that others keep, read where it is. */
  readonly external: boolean
  readonly fields: readonly Field[]
  readonly style: string | null
}

/** A layer without geometry or style is a table: it is listed, but cannot be drawn. */
export function isDrawable(layer: Layer): boolean {
  return layer.style !== null && layer.geometry !== 'none'
}

/** The id of a layer that a job made: the catalogue need not list it to whoever knows it. */
export const isResultId = (layer: string): boolean => /^result_[0-9a-f]{32}_/.test(layer)

/** The edition a reference means: the named one, else the one in force that the server answered with. */
export function editionOf(layer: Layer, key: string | null): Edition | null {
  return key === null ? layer.edition : (layer.editions.find((item) => item.key === key) ?? null)
}

/** The collection id of a layer, or of one edition of it, as the API spells it. */
export function collectionId(layer: string, editionKey: string | null): string {
  return editionKey === null ? layer : `${layer}.${editionKey}`
}

/** What contains the extents of all *layers*; null where none has one. */
export function boundsOfAll(layers: readonly Layer[]): Bounds | null {
  const [first, ...others] = layers.flatMap(({ bounds }) => (bounds ? [bounds] : []))
  if (!first) return null
  return others.reduce<Bounds>(
    (box, next) => [
      Math.min(box[0], next[0]),
      Math.min(box[1], next[1]),
      Math.max(box[2], next[2]),
      Math.max(box[3], next[3]),
    ],
    first,
  )
}
