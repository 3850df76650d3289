import { describe, expect, it } from 'vitest'
import { faultText, placed } from './faults'
import { en } from './words/en'
import { zh } from './words/zh'

describe('errors of the server', () => {
  it('belong to the field that they point at, deeper ones with the place in it; the rest is told apart', () => {
    const errors = [
      { pointer: '/inputs/a~1b', detail: 'x' },
      { pointer: '/inputs/s/coordinates/0', detail: 'not closed' },
      { pointer: '/inputs/s/type', detail: 'wrong' },
      { pointer: '/outputs/one/format', detail: 'no' },
      { pointer: '/inputs/unknown', detail: 'extra' },
      { pointer: '', detail: 'whole' },
    ]
    const found = placed(errors, new Set(['inputs/a/b', 'inputs/s', 'outputs/one']))
    expect(found.inputs.get('a/b')).toEqual({ text: 'x', lang: 'en' })
    expect(found.inputs.get('s')?.text).toBe('/coordinates/0: not closed; /type: wrong')
    expect(found.outputs.get('one')?.text).toBe('/format: no')
    expect(found.others).toEqual(['/inputs/unknown: extra', 'whole'])
  })
})

describe('faults', () => {
  it('are sentences with their number', () => {
    expect(faultText({ is: 'low', at: 1000.5 }, zh, 'zh-CN')).toBe('不能小于 1,000.5。')
    expect(faultText({ is: 'missing' }, en, 'en-GB')).toBe('This is required.')
  })
})
