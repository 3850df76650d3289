/** The state of the One Map page and its one codec from and to the query of its address. */

import { isPosition, type Position } from '../domain/coordinate'
import { DEGREES, systemOf } from './systems'

export interface LayerChoice {
  readonly layer: string
  /** An edition's key; null means the edition in force. */
  readonly edition: string | null
  /** 0 (invisible) to 100 percent. */
  readonly opacity: number
}

export interface Selection {
  readonly layer: string
  readonly edition: string | null
  readonly id: string
}

export interface MapState {
  /** Longitude, latitude in degrees, 5 decimals; null: as the catalogue's extent suggests. */
  readonly centre: Position | null
  /** Scale denominator, a whole number. */
  readonly scale: number | null
  /** The EPSG code of the view's reference system. */
  readonly crs: string
  /** Drawn layers, the uppermost first; null: the link does not say. */
  readonly layers: readonly LayerChoice[] | null
  readonly selection: Selection | null
}

export interface Decoded {
  readonly state: MapState
  /** Parts of the address that mean nothing here, as written. */
  readonly dropped: readonly string[]
}

export type Query = Readonly<Record<string, string>>

export const EMPTY: MapState = { centre: null, scale: null, crs: DEGREES.code, layers: null, selection: null }
export const SCALE_RANGE = [250, 200_000_000] as const

const COLLECTION = /^([a-z][a-z0-9_]{0,62})(?:\.([a-z0-9_]{1,16}))?$/
const CHOICE = /^([^:]+)(?::(\d{1,3}))?$/
const CENTRE_DECIMALS = 5

/** The nearest state that an address can hold: what `decode(encode(...))` gives back. */
export function normalise(state: MapState): MapState {
  const round = (value: number) => Number(value.toFixed(CENTRE_DECIMALS)) + 0
  return {
    ...state,
    centre: state.centre && [round(state.centre[0]), round(state.centre[1])],
    scale: state.scale === null ? null : clampScale(Math.round(state.scale)),
  }
}

export function clampScale(scale: number): number {
  return Math.min(SCALE_RANGE[1], Math.max(SCALE_RANGE[0], scale))
}

export function encode(given: MapState): Query {
  const state = normalise(given)
  const query: Record<string, string> = {}
  if (state.centre) query['c'] = state.centre.map(String).join(',')
  if (state.scale !== null) query['s'] = String(state.scale)
  if (state.centre || state.scale !== null || state.crs !== EMPTY.crs) query['crs'] = state.crs
  if (state.layers) query['l'] = state.layers.map(encodeChoice).join(',')
  if (state.selection) query['sel'] = `${collection(state.selection)}/${state.selection.id}`
  return query
}

export function decode(query: Readonly<Record<string, unknown>>): Decoded {
  const dropped: string[] = []
  const read = <T>(name: string, parse: (text: string) => T | null): T | null => {
    const text = query[name]
    if (text === undefined) return null
    const value = typeof text === 'string' ? parse(text) : null
    if (value === null) dropped.push(`${name}=${String(text ?? '')}`)
    return value
  }
  const known = new Set(['c', 's', 'crs', 'l', 'sel'])
  for (const [name, value] of Object.entries(query))
    if (!known.has(name)) dropped.push(`${name}=${String(value ?? '')}`)
  const state = normalise({
    centre: read('c', parseCentre),
    scale: read('s', parseScale),
    crs: read('crs', (text) => systemOf(text)?.code ?? null) ?? EMPTY.crs,
    layers: read('l', (text) => parseChoices(text, dropped)),
    selection: read('sel', parseSelection),
  })
  return { state, dropped }
}

export function sameState(one: MapState, other: MapState): boolean {
  return JSON.stringify(encode(one)) === JSON.stringify(encode(other))
}

const collection = (part: { layer: string; edition: string | null }): string =>
  part.edition === null ? part.layer : `${part.layer}.${part.edition}`

const encodeChoice = (choice: LayerChoice): string =>
  choice.opacity === 100 ? collection(choice) : `${collection(choice)}:${choice.opacity}`

function parseCentre(text: string): Position | null {
  const parts = text.split(',')
  const [longitude, latitude] = parts.map((part) => (/^-?\d+(\.\d+)?$/.test(part) ? Number(part) : NaN))
  if (parts.length !== 2 || longitude === undefined || latitude === undefined) return null
  return isPosition(longitude, latitude) ? [longitude, latitude] : null
}

function parseScale(text: string): number | null {
  return /^\d{1,10}$/.test(text) ? clampScale(Number(text)) : null
}

function parseChoices(text: string, dropped: string[]): readonly LayerChoice[] {
  const choices: LayerChoice[] = []
  for (const part of text.split(',').filter(Boolean)) {
    const [, name = '', percent = '100'] = CHOICE.exec(part) ?? []
    const [, layer, edition = null] = COLLECTION.exec(name) ?? []
    const twice = choices.some((choice) => choice.layer === layer && choice.edition === edition)
    if (layer === undefined || Number(percent) > 100 || twice) dropped.push(part)
    else choices.push({ layer, edition, opacity: Number(percent) })
  }
  return choices
}

function parseSelection(text: string): Selection | null {
  const slash = text.indexOf('/')
  const [, layer, edition = null] = COLLECTION.exec(text.slice(0, Math.max(slash, 0))) ?? []
  const id = text.slice(slash + 1)
  return layer === undefined || !id ? null : { layer, edition, id }
}
