/** Scale denominators against the resolutions of a view, and the bar that shows them. */

import type { Position } from '../domain/coordinate'
import { groundUnit, type MapSystem } from './systems'

/** OGC's pixel of 0.28 mm, in metres. */
export const PIXEL_M = 0.00028

/** The true scale denominator at *place* for a *resolution* in units of the view per pixel, along the parallel. */
export function scaleAt(resolution: number, system: MapSystem, place: Position): number {
  return (resolution * groundUnit(system, place)) / PIXEL_M
}

export function resolutionAt(scale: number, system: MapSystem, place: Position): number {
  return (scale * PIXEL_M) / groundUnit(system, place)
}

/** A round length on the ground and its width on the screen. */
export interface Bar {
  readonly metres: number
  readonly px: number
}

/** The longest bar of 1, 2 or 5 times a power of ten metres within *widest* pixels. */
export function scaleBar(scale: number, widest: number): Bar {
  const most = scale * PIXEL_M * widest
  const power = 10 ** Math.floor(Math.log10(most))
  const times = [5, 2].find((step) => step * power <= most) ?? 1
  return { metres: times * power, px: (times * power) / (scale * PIXEL_M) }
}

/** `1:10,000`, rounded to three figures: a screen is no survey. */
export function formatScale(scale: number, locale: string): string {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(scale)) - 2)
  return `1:${new Intl.NumberFormat(locale).format(Math.round(scale / step) * step)}`
}

/** Reads `1:10000`, `10,000` or `10000`; null when it is none. */
export function parseScale(text: string): number | null {
  const digits = text.replace(/^\s*1\s*[:：]\s*/, '').replace(/[,，\s]/g, '')
  return /^\d{2,9}$/.test(digits) ? Number(digits) : null
}
