/** Areas as practice writes them: hectares with 4 decimals, mu (亩) with 2. Input is square metres. */

const SQUARE_METRES_PER_HECTARE = 10_000
const MU_PER_HECTARE = 15

/** `1,234.5678` hectares; null stays null: an unknown area is not zero. */
export function hectares(areaM2: number | null, locale = 'zh-CN'): string | null {
  return areaM2 === null ? null : fixed(areaM2 / SQUARE_METRES_PER_HECTARE, 4, locale)
}

/** `18,518.52` mu; 15 mu are one hectare exactly. */
export function mu(areaM2: number | null, locale = 'zh-CN'): string | null {
  return areaM2 === null ? null : fixed((areaM2 / SQUARE_METRES_PER_HECTARE) * MU_PER_HECTARE, 2, locale)
}

function fixed(value: number, digits: number, locale: string): string {
  return new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)
}
