import { describe, expect, it } from 'vitest'
import { fieldsOf, type Process } from '../../domain/process'
import { emptyDraft, type Draft } from '../../domain/processDraft'
import { decode, encode } from './address'

const areas = { oneOf: [{ properties: { type: { enum: ['Polygon'] } } }, { properties: { collection: {} } }] }
const process: Process = {
  id: 'p',
  title: '',
  description: '',
  keywords: [],
  version: '',
  inputs: [
    { name: 's', title: '', description: '', required: true, schema: areas },
    { name: 'from', title: '', description: '', required: true, schema: { type: 'string', default: 'here' } },
  ],
  outputs: [{ name: 'one', title: '', description: '', layered: true }],
  example: null,
}
const fields = fieldsOf(process)
const empty = emptyDraft(process, fields)
const draft: Draft = {
  texts: { from: '1 & 2' },
  features: { s: { ...empty.features['s'], collection: 'a.2024', filter: "x = 'y'" } as Draft['features'][string] },
  outputs: { one: 'layer' },
}

describe('the address of a form', () => {
  it('says what is short, and gives it back', () => {
    expect(decode(encode(draft, fields), fields, empty)).toEqual({ draft, dropped: [] })
    expect(encode(empty, fields)).toEqual({})
  })

  it('leaves out what is long', () => {
    expect(encode({ ...draft, texts: { from: 'x'.repeat(300) } }, fields)).not.toHaveProperty('i.from')
  })

  it('names what means nothing', () => {
    const query = { 'i.gone': '1', x: '2', from: 'job', 'o.one': 'gold' }
    expect(decode(query, fields, empty)).toEqual({ draft: empty, dropped: ['i.gone=1', 'x=2', 'o.one=gold'] })
  })
})
