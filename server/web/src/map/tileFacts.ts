/** What is known of the tiles that were read: where features are merged into classes, and where some were left out. */

import type { Bounds } from '../domain/catalogue'
import type { Position } from '../domain/coordinate'

export interface TileFacts {
  readonly zoom: number
  /** In the units of the tiles' grid. */
  readonly box: Bounds
  /** It holds areas of one class each, no single features. */
  readonly merged: boolean
  /** How many features were left out of it. */
  readonly omitted: number
}

type Properties = Readonly<Record<string, unknown>>

/** Every feature of ours carries this; an area that stands for many features cannot. */
const IDENTITY = 'om_id'

/** The layer beside *source* in a tile that counts what was left out. */
export const omittedLayer = (source: string): string => `${source}_omitted`

/** What the properties of a tile's features and of its counting points say. */
export function readFacts(
  drawn: readonly Properties[],
  counts: readonly Properties[],
): Pick<TileFacts, 'merged' | 'omitted'> {
  const numbers = counts.map(({ count }) => (typeof count === 'number' ? count : 0))
  return {
    merged: drawn.length > 0 && !drawn.some((properties) => IDENTITY in properties),
    omitted: numbers.reduce((sum, number) => sum + number, 0),
  }
}

export class TileBook {
  readonly #facts = new Map<string, TileFacts>()

  write(address: string, facts: TileFacts): void {
    this.#facts.set(address, facts)
  }

  /** True where the tile of *zoom* at *place* has classes in place of features. */
  isMerged(place: Position, zoom: number): boolean {
    return this.#at(zoom, [...place, ...place]).some(({ merged }) => merged)
  }

  /** How many features the tiles of *zoom* in *box* left out. */
  omitted(box: Bounds, zoom: number): number {
    return this.#at(zoom, box).reduce((sum, { omitted }) => sum + omitted, 0)
  }

  #at(zoom: number, [west, south, east, north]: Bounds): readonly TileFacts[] {
    return [...this.#facts.values()].filter(
      ({ zoom: own, box }) =>
        own === zoom && box[0] <= east && west <= box[2] && box[1] <= north && south <= box[3],
    )
  }
}
