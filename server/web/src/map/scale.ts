/** Scale denominators against the resolutions of a Web Mercator view. */

/** OGC's pixel of 0.28 mm, in metres. */
const PIXEL_M = 0.00028
const DEGREE = Math.PI / 180

/** The true scale denominator at *latitude* (degrees) for a view *resolution* (projected metres per pixel). */
export function scaleAt(resolution: number, latitude: number): number {
  return (resolution * Math.cos(latitude * DEGREE)) / PIXEL_M
}

export function resolutionAt(scale: number, latitude: number): number {
  return (scale * PIXEL_M) / Math.cos(latitude * DEGREE)
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
