/** The tile grids of our vector tiles, in the numbering of zooms that styles use. */

import { createXYZ } from 'ol/tilegrid.js'
import TileGrid from 'ol/tilegrid/TileGrid.js'
import { DEGREES, MERCATOR, TILE_PX, zeroResolution, type MapSystem, type TileGridName } from './systems'

export interface Zooms {
  readonly min: number
  readonly max: number
}

interface Tiles {
  /** The system that the tiles are cut in. */
  readonly system: MapSystem
  /** The levels that the grid has; a level has the number of its zoom. */
  readonly levels: Zooms
}

export const TILES: Readonly<Record<TileGridName, Tiles>> = {
  CGCS2000Quad: { system: DEGREES, levels: { min: 1, max: 20 } },
  WebMercatorQuad: { system: MERCATOR, levels: { min: 0, max: 24 } },
}

/** The zooms of *wanted* that *grid* has. */
export function zoomsIn(grid: TileGridName, wanted: Zooms): Zooms {
  const { min, max } = TILES[grid].levels
  return { min: Math.min(Math.max(wanted.min, min), max), max: Math.max(Math.min(wanted.max, max), min) }
}

export function tileGrid(grid: TileGridName, { min, max }: Zooms): TileGrid {
  if (grid === 'WebMercatorQuad') return createXYZ({ tileSize: TILE_PX, minZoom: min, maxZoom: max })
  const zero = zeroResolution(TILES[grid].system, 0)
  return new TileGrid({
    extent: [-180, -90, 180, 90],
    origin: [-180, 90],
    resolutions: Array.from({ length: max + 1 }, (_, zoom) => zero / 2 ** zoom),
    minZoom: min,
    tileSize: TILE_PX,
  })
}
