import { describe, expect, it } from 'vitest'
import { readPositions, valueOf } from './geometry'
import { CRS84, epsgUri, featureForms, fieldsOf, kindOf, shapesOf, type Process, type Schema } from './process'
import { draftOf, emptyDraft, revive, waysOf, type Draft } from './processDraft'
import { curl, request } from './processForm'

const geometry = (kinds: readonly string[]): Schema => ({
  type: 'object',
  properties: { type: { type: 'string', enum: kinds }, coordinates: { type: 'array', items: {} } },
  required: ['type', 'coordinates'],
})
const feature = (kinds: readonly string[]): Schema => ({
  type: 'object',
  properties: { type: { enum: ['Feature'] }, geometry: { anyOf: [geometry(kinds), { type: 'null' }] } },
})
const features = (kinds: readonly string[]): Schema => ({
  oneOf: [
    { type: 'object', properties: { type: { enum: ['FeatureCollection'] }, features: { type: 'array', items: feature(kinds) } } },
    feature(kinds),
    geometry(kinds),
    { type: 'object', properties: { collection: { type: 'string' }, filter: { type: 'string' } } },
    { type: 'object', properties: { href: { type: 'string' } } },
  ],
})
const AREAS = features(['Polygon', 'MultiPolygon'])

function processOf(
  inputs: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
  outputs: readonly string[] = ['one'],
): Process {
  return {
    id: 'p',
    title: 'P',
    description: '',
    keywords: [],
    version: '1',
    inputs: Object.entries(inputs).map(([name, schema]) => ({
      name,
      title: name,
      description: '',
      required: required.includes(name),
      schema,
    })),
    outputs: outputs.map((name) => ({ name, title: name, description: '', layered: true })),
    example: null,
  }
}

function filledIn(process: Process, change: (draft: Draft) => Draft) {
  const fields = fieldsOf(process)
  return request(process, fields, change(emptyDraft(process, fields)))
}
const texts =
  (given: Readonly<Record<string, string>>) =>
  (draft: Draft): Draft => ({ ...draft, texts: { ...draft.texts, ...given } })

describe('the kind of a field', () => {
  it.each([
    [{ type: 'string', maxLength: 500 }, { kind: 'text', long: false }],
    [{ type: 'string', maxLength: 10_000 }, { kind: 'text', long: true }],
    [{ type: 'string', format: 'date' }, { kind: 'date' }],
    [{ type: 'string', default: CRS84 }, { kind: 'system' }],
    [{ type: 'string', enum: ['a', 'b'] }, { kind: 'choice', options: ['a', 'b'] }],
    [{ type: 'integer', minimum: 1, maximum: 20 }, { kind: 'number', whole: true, least: 1, most: 20 }],
    [{ type: 'boolean', default: false }, { kind: 'flag' }],
    [{ type: 'boolean' }, { kind: 'choice', options: ['true', 'false'] }],
    [{ type: 'array', items: { type: ['number', 'null'] } }, { kind: 'numbers', whole: false, gaps: true }],
    [{ type: 'array', items: { type: 'string' } }, { kind: 'json' }],
    [{ oneOf: [{ type: 'string' }, { type: 'number' }] }, { kind: 'scalar' }],
    [{ type: 'object', properties: { name: { type: 'string' } } }, { kind: 'json' }],
  ])('follows from its schema: %j', (schema: Schema, kind) => {
    expect(kindOf(schema)).toEqual(kind)
  })

  it('is features where its forms are those of GeoJSON, by reference only where the schema says so', () => {
    const forms = featureForms(AREAS)
    expect(forms).toMatchObject({ geometry: true, collection: true, named: true, uploaded: true })
    expect(forms && shapesOf(forms)).toEqual(['Polygon'])
    const point = featureForms(geometry(['Point']))
    expect(point && waysOf(point)).toEqual(['draw', 'paste'])
  })
})

describe('a body', () => {
  it('leaves out what is empty or the default, and names what is missing', () => {
    const process = processOf({ n: { type: 'number' }, k: { type: 'integer', default: 5 }, s: AREAS }, ['n', 's'])
    expect(filledIn(process, (draft) => draft)).toMatchObject({
      body: { inputs: {} },
      faults: { n: { is: 'missing' }, s: { is: 'missing' } },
    })
  })

  it('has values of their own types', () => {
    const process = processOf({
      n: { type: 'number' },
      flag: { type: 'boolean', default: false },
      list: { type: 'array', items: { type: ['number', 'null'] } },
      any: { type: 'object' },
      mixed: { oneOf: [{ type: 'string' }, { type: 'number' }] },
    })
    const given = texts({ n: ' -1.5e3 ', flag: 'true', list: '1，2\n- 4', any: '{"a":1}', mixed: '12' })
    expect(filledIn(process, given).body).toEqual({
      inputs: { n: -1500, flag: true, list: [1, 2, null, 4], any: { a: 1 }, mixed: 12 },
    })
  })

  it.each([
    ['1,5', { is: 'number' }],
    ['1.5', { is: 'whole' }],
    ['0', { is: 'low', at: 1 }],
    ['21', { is: 'high', at: 20 }],
  ])('says what is wrong with a number: %s', (text, fault) => {
    const process = processOf({ k: { type: 'integer', minimum: 1, maximum: 20 } })
    expect(filledIn(process, texts({ k: text })).faults).toEqual({ k: fault })
  })

  it('names outputs only where not all are wanted as they come', () => {
    const process = processOf({}, [], ['one', 'two'])
    expect(filledIn(process, (draft) => draft).body).toEqual({ inputs: {}, response: 'document' })
    const one = filledIn(process, (draft) => ({ ...draft, outputs: { one: 'layer', two: 'none' } }))
    expect(one.body).toEqual({
      inputs: {},
      outputs: { one: { format: { mediaType: 'application/vnd.ogc.collection+json' } } },
    })
    expect(filledIn(process, (draft) => ({ ...draft, outputs: { one: 'none', two: 'none' } })).nothingAsked).toBe(true)
  })

  it('takes features by reference', () => {
    const process = processOf({ s: AREAS })
    const by = (change: object) => (draft: Draft) => ({
      ...draft,
      features: { s: { ...draft.features['s'], ...change } as Draft['features'][string] },
    })
    expect(filledIn(process, by({ way: 'layer', collection: 'a.2024', filter: "x = 'y'" })).body).toEqual({
      inputs: { s: { collection: 'a.2024', filter: "x = 'y'" } },
    })
    const upload = { href: '/files/up-1', name: 'a.zip', bytes: 1, expires: '' }
    const fileUrl = 'https://maps.example/a.zip'
    expect(filledIn(process, by({ way: 'upload', fileUrl })).body).toEqual({ inputs: { s: { href: fileUrl } } })
    expect(filledIn(process, by({ way: 'upload', upload, fileSystem: epsgUri(4551) })).body).toEqual({
      inputs: { s: { href: '/files/up-1', crs: epsgUri(4551) } },
    })
  })

  it('never sends degrees in the name of another system', () => {
    const process = processOf({ s: AREAS, crs: { type: 'string', default: CRS84 } })
    const typed = (crs: string) => (draft: Draft) => ({
      ...texts({ crs })(draft),
      features: { s: { ...draft.features['s'], way: 'paste', pasted: '125,43\n126,43\n126,44' } as Draft['features'][string] },
    })
    expect(filledIn(process, typed(epsgUri(4551))).faults).toEqual({ crs: { is: 'system' } })
    expect(filledIn(process, typed(CRS84)).faults).toEqual({})
  })
})

describe('a draft', () => {
  const process = processOf({
    s: AREAS,
    left: AREAS,
    n: { type: 'number' },
    list: { type: 'array', items: { type: ['integer', 'null'] } },
    any: { type: 'object' },
  })
  const fields = fieldsOf(process)
  const square = { type: 'Polygon', coordinates: [] }
  const inputs = { s: square, left: { collection: 'a', filter: 'x = 1' }, n: 2.5, list: [1, null], any: { a: [1] } }

  it('of some inputs sends the same inputs', () => {
    expect(request(process, fields, draftOf(process, fields, inputs)).body).toEqual({ inputs })
  })

  it('comes back as it was kept, without what the process has no more', () => {
    const draft = draftOf(process, fields, inputs)
    const kept = JSON.parse(JSON.stringify({ ...draft, texts: { ...draft.texts, gone: 'x', n: 7 } })) as unknown
    expect(revive(process, fields, kept)).toEqual({ ...draft, texts: { ...draft.texts, n: '' } })
    expect(revive(process, fields, 'nonsense')).toEqual(emptyDraft(process, fields))
  })
})

describe('typed positions', () => {
  it('are shapes: one position a line, a blank line between shapes, rings closed', () => {
    expect(readPositions('125, 43\n126 43\n126,44\n\n125,45\n126,45\n126,46\n125,45\n', 'Polygon')).toEqual({
      shapes: [
        { type: 'Polygon', coordinates: [[[125, 43], [126, 43], [126, 44], [125, 43]]] },
        { type: 'Polygon', coordinates: [[[125, 45], [126, 45], [126, 46], [125, 45]]] },
      ],
    })
    expect(readPositions('125,43\n126,43', 'Point')).toMatchObject({ shapes: [{ type: 'Point' }, { type: 'Point' }] })
  })

  it('say which line is none, and which shape has too few', () => {
    expect(readPositions('125,43\nnorth', 'Point')).toEqual({ line: 2 })
    expect(readPositions('125,43\n126,43\n125,43', 'Polygon')).toEqual({ few: 1 })
  })

  it('become one geometry where one is enough, many parts where a collection is not taken', () => {
    const square = { type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] } as const
    const forms = featureForms(AREAS)
    const single = featureForms({ oneOf: [geometry(['Polygon']), geometry(['MultiPolygon'])] })
    if (!forms || !single) throw new Error('no forms')
    expect(valueOf([square], forms)).toBe(square)
    expect(valueOf([square, square], forms)).toMatchObject({ type: 'FeatureCollection' })
    expect(valueOf([square, square], single)).toMatchObject({ type: 'MultiPolygon' })
    const alone = featureForms(geometry(['Point']))
    expect(alone && valueOf([square, square], alone)).toBeNull()
  })
})

describe('the command line', () => {
  it('keeps quotes of the body apart from the shell, and no key', () => {
    const command = curl('http://h/processes/p/execution', { inputs: { text: "it's $HOME" } }, true)
    expect(command).toContain('{"inputs":{"text":"it\'s $HOME"}}\nJSON\n')
    expect(command).toContain("<<'JSON'")
    expect(command).toContain('Bearer $ONEMAP_KEY')
  })
})
