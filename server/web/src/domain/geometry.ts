/** Simple geometries of GeoJSON in CGCS2000 longitude and latitude: drawn, typed, put together for an input. */

import { parsePosition, type Position } from './coordinate'
import type { FeatureForms, Shape } from './process'

export interface Drawn {
  readonly type: Shape
  readonly coordinates: unknown
}

export type Typed =
  | { readonly shapes: readonly Drawn[] }
  /** The number of the line that is no position, from 1. */
  | { readonly line: number }
  /** The number of the part that has too few positions, from 1. */
  | { readonly few: number }

const FEWEST: Readonly<Record<Shape, number>> = { Point: 1, LineString: 2, Polygon: 3 }

/**
 * One position a line, in any form of `parsePosition`; a blank line begins another shape. A ring need not be closed.
 * Of points each line is one.
 */
export function readPositions(text: string, shape: Shape): Typed {
  const parts: Position[][] = [[]]
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (!line.trim()) parts.push([])
    else {
      const position = parsePosition(line)
      if (!position) return { line: index + 1 }
      parts[parts.length - 1]?.push(position)
    }
  }
  const filled = parts.filter((part) => part.length)
  const few = filled.findIndex((part) => new Set(part.map(String)).size < FEWEST[shape])
  if (few >= 0) return { few: few + 1 }
  if (shape === 'Point') return { shapes: filled.flat().map((position) => ({ type: shape, coordinates: position })) }
  return { shapes: filled.map((part) => ({ type: shape, coordinates: shape === 'Polygon' ? [closed(part)] : part })) }
}

/** The value of an input: a geometry where one is enough, else a collection, else one geometry of many parts. */
export function valueOf(shapes: readonly Drawn[], forms: FeatureForms): unknown {
  const [first] = shapes
  if (!first) return null
  if (shapes.length === 1 && forms.geometry && forms.kinds.has(first.type)) return first
  if (forms.collection)
    return {
      type: 'FeatureCollection',
      features: shapes.map((geometry) => ({ type: 'Feature', geometry, properties: {} })),
    }
  const many = `Multi${first.type}`
  const alike = shapes.every(({ type }) => type === first.type)
  return alike && forms.kinds.has(many) ? { type: many, coordinates: shapes.map(({ coordinates }) => coordinates) } : null
}

function closed(ring: readonly Position[]): readonly Position[] {
  const [first, last] = [ring[0], ring[ring.length - 1]]
  return first && String(first) !== String(last) ? [...ring, first] : ring
}
