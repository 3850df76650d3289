import { describe, expect, it } from 'vitest'
import { clampScale, decode, EMPTY, encode, normalise, SCALE_RANGE, type LayerChoice, type MapState } from './state'

/** A small generator with a seed, so that a failure can be repeated: Park and Miller's minimal standard. */
function generator(seed: number) {
  let state = seed
  const next = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
  const whole = (below: number): number => Math.floor(next() * below)
  const pick = <T>(items: readonly T[]): T => items[whole(items.length)] as T
  return { next, whole, pick }
}

const IDS = ['a', 'layer_one', 'x9', 'another_layer_with_a_long_name'] as const
const EDITIONS = [null, '2024', 'issued_2023'] as const
const VIEWS = ['4490', '3857', '4530', '4547'] as const
const FEATURES = ['220102000000000001', 'a/b', '图斑 1', 'x.y:80', '%2F', '1,2'] as const

function anyState(seed: number): MapState {
  const { next, whole, pick } = generator(seed + 1)
  const layers = IDS.flatMap((layer): LayerChoice[] =>
    next() < 0.5 ? [{ layer, edition: pick(EDITIONS), opacity: whole(101) }] : [],
  )
  return normalise({
    centre: next() < 0.2 ? null : [next() * 360 - 180, next() * 180 - 90],
    scale: next() < 0.2 ? null : clampScale(10 ** (next() * 9)),
    crs: pick(VIEWS),
    layers: next() < 0.2 ? null : layers,
    selection: next() < 0.5 ? null : { layer: pick(IDS), edition: pick(EDITIONS), id: pick(FEATURES) },
  })
}

const states = Array.from({ length: 500 }, (_, seed) => anyState(seed))

describe('the codec of the map state', () => {
  it('gives back every state that it wrote', () => {
    for (const state of states) expect(decode(encode(state))).toEqual({ state, dropped: [] })
  })

  it('gives back every state after the address was written out and read as text', () => {
    for (const state of states) {
      const address = new URLSearchParams(encode(state)).toString()
      expect(decode(Object.fromEntries(new URLSearchParams(address))).state).toEqual(state)
    }
  })

  it('writes the same address for what it read', () => {
    for (const state of states) expect(encode(decode(encode(state)).state)).toEqual(encode(state))
  })

  it('normalises once and for all', () => {
    for (const state of states) expect(normalise(normalise(state))).toEqual(normalise(state))
  })

  it('never throws, and names everything it drops, whatever an address says', () => {
    const { pick, whole } = generator(7)
    const parts = [
      '',
      '1',
      '-181,0',
      '1,2,3',
      'a:101',
      'a.b.c',
      'A',
      'a,a',
      '/',
      'a/',
      'NaN,1',
      '1e3,2',
      '🗺',
      "a'--",
      '9'.repeat(40),
    ]
    for (let round = 0; round < 500; round += 1) {
      const name = pick(['c', 's', 'crs', 'l', 'sel', 'unknown'])
      const value = pick([pick(parts), `${pick(parts)}${pick(parts)}`, null, undefined, ['a', 'b'], whole(9)])
      const { state, dropped } = decode({ [name]: value })
      expect(decode(encode(state)).state).toEqual(state)
      if (value !== undefined && encode(state)[name] === undefined && name !== 'crs')
        expect(dropped.length).toBeGreaterThan(0)
    }
  })

  it('reads an empty address as nothing said', () => {
    expect(decode({})).toEqual({ state: EMPTY, dropped: [] })
  })

  it('tells "no layers" from "not said"', () => {
    expect(decode({ l: '' }).state.layers).toEqual([])
    expect(decode({}).state.layers).toBeNull()
  })

  it('drops a layer named twice, an opacity over 100 and a malformed id, and keeps the rest', () => {
    const { state, dropped } = decode({ l: 'one,one,two:101,Three,four.2024:80' })
    expect(state.layers).toEqual([
      { layer: 'one', edition: null, opacity: 100 },
      { layer: 'four', edition: '2024', opacity: 80 },
    ])
    expect(dropped).toEqual(['one', 'two:101', 'Three'])
  })

  it('keeps the centre to a metre and the scale within what a map can show', () => {
    expect(encode({ ...EMPTY, centre: [125.324164999, 43.886531], scale: 9999.6 })).toEqual({
      c: '125.32416,43.88653',
      s: '10000',
      crs: '4490',
    })
    expect(decode({ s: '1' }).state.scale).toBe(SCALE_RANGE[0])
    expect(decode({ s: '9999999999' }).state.scale).toBe(SCALE_RANGE[1])
  })

  it('views in degrees unless the address says otherwise, and keeps to what it says', () => {
    expect(decode({ c: '125,44', s: '10000' }).state.crs).toBe('4490')
    for (const crs of VIEWS) expect(encode(decode({ c: '125,44', crs }).state)['crs']).toBe(crs)
    expect(encode({ ...EMPTY, crs: '4530' })).toEqual({ crs: '4530' })
  })

  it('refuses a view that it does not have', () => {
    for (const crs of ['4326', '4512', '4555', 'EPSG:4490', ''])
      expect(decode({ crs })).toEqual({ state: EMPTY, dropped: [`crs=${crs}`] })
  })
})
