/** What the tiles of a layer tell of themselves. */

import { body, client } from './client'
import { memberOf, textOrNull } from './read'
import type { components } from './schema'

const ofTileset = memberOf<components['schemas']['TileSet']>()
const ofFacts = memberOf<components['schemas']['TileSetFacts']>()

/** When the overview was taken from which an external table is drawn far out; null where tiles show it as it is. */
export async function fetchTaken(collectionId: string): Promise<string | null> {
  const path = { collectionId, tileMatrixSetId: 'CGCS2000Quad' } as const // every grid tells the same
  const tileset = await body(client.GET('/collections/{collectionId}/tiles/{tileMatrixSetId}', { params: { path } }))
  return textOrNull(ofFacts(ofTileset(tileset, 'x-onemap'), 'takenAt'))
}
