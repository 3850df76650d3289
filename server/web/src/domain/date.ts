/** Dates and times as Chinese offices write them: Asia/Shanghai, `2026-11-24`. */

const SHANGHAI = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai', dateStyle: 'short' })
const MOMENT = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai', dateStyle: 'short', timeStyle: 'medium' })
const DATE_ONLY = /^\d{4}-\d{2}-\d{2}$/

/** The date of an ISO instant or date; null when there is none or it cannot be read. */
export function isoDate(value: string | null): string | null {
  if (value === null || DATE_ONLY.test(value)) return value
  const instant = new Date(value)
  return Number.isNaN(instant.getTime()) ? null : SHANGHAI.format(instant)
}

/** `2026-11-24 09:05:03` of an ISO instant; null when there is none or it cannot be read. */
export function isoMoment(value: string | null): string | null {
  const instant = new Date(value ?? NaN)
  return Number.isNaN(instant.getTime()) ? null : MOMENT.format(instant)
}
