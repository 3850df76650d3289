/** What a reader must be told about an edition before trusting a layer drawn from it. */

import type { Edition, Layer } from './catalogue'

/** True where a newer edition than the shown one is in force. */
export function isSuperseded(layer: Layer, shown: Edition): boolean {
  const current = layer.edition
  if (current === null || current.key === shown.key) return false
  return shown.validTo !== null || shown.status.code !== current.status.code || before(shown, current)
}

function before(one: Edition, other: Edition): boolean {
  return (one.validFrom ?? '') < (other.validFrom ?? '')
}
