import { describe, expect, it } from 'vitest'
import { reasonText } from './figures'

describe('a reason why a rule stays open', () => {
  it.each(['no_edition', 'not_visible', 'outside_scope', 'no_clause', 'not_connected', 'outside_coverage'])(
    '%s is a sentence with the name of what it speaks of',
    (kind) => {
      const told = reasonText(kind === 'no_clause' ? kind : `${kind}:b`, new Map([['b', '图层']]))
      expect(told).not.toContain(kind)
      if (kind !== 'no_clause') expect(told).toContain('图层')
    },
  )

  it('that is not known is told as it is', () => {
    expect(reasonText('strange:b', new Map())).toContain('strange:b')
  })
})
