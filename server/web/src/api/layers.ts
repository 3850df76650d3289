/** Layers, their features, styles and tile addresses. */

import { collectionId, type Bounds, type Layer } from '../domain/catalogue'
import type { Feature, FeaturePage } from '../domain/feature'
import { getCollection, getCollections, getItem, getItems, getStyle, getTile, type Language } from './client'
import { patiently } from './patience'
import { readFeature, readFeaturePage, readLayer, readLayers } from './readLayers'

export const fetchLayers = async (lang: Language): Promise<readonly Layer[]> => readLayers(await getCollections(lang))

export const fetchLayer = async (id: string, lang: Language): Promise<Layer> => readLayer(await getCollection(id, lang))

export const fetchStyle = (id: string, lang: Language): Promise<unknown> => getStyle(id, lang)

export const fetchFeature = async (collection: string, id: string, signal: AbortSignal): Promise<Feature> =>
  readFeature(await getItem(collection, id, signal))

export const fetchFeaturesIn = async (
  collection: string,
  bounds: Bounds,
  limit: number,
  signal: AbortSignal,
): Promise<FeaturePage> => readFeaturePage(await getItems(collection, bounds, limit, signal))

/** Row before column, as OGC API Tiles writes it. */
export function tileAddress(collection: string, grid: string, matrix: number, row: number, column: number): string {
  return `/collections/${encodeURIComponent(collection)}/tiles/${grid}/${matrix}/${row}/${column}?f=mvt`
}

/** One tile; a busy server is asked again after the time that it names. */
export const fetchTile = (address: string, signal: AbortSignal): Promise<ArrayBuffer> =>
  patiently(() => getTile(address, signal), signal)

export const landingAddress = (): string => `${location.origin}/`
/** The rows of a layer as a page to read. */
export const dataAddress = (layer: string, edition: string | null, lang: Language): string =>
  `/collections/${encodeURIComponent(collectionId(layer, edition))}/items?f=html&limit=100&lang=${lang}`
export const metadataAddress = (layer: string, edition: string | null, lang: Language): string =>
  `/collections/${encodeURIComponent(collectionId(layer, edition))}?f=html&lang=${lang}`
