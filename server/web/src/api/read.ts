/**
 * The server's JSON as values, read once at this edge. Every member is named by the published contract, so that a
 * renamed one fails the type check; what is absent or of another type becomes null or empty, never a guess.
 */

import type { components } from './schema'

type Schemas = components['schemas']

export const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
export const memberOf =
  <Contract>() =>
  (json: unknown, name: keyof Contract & string): unknown =>
    record(json)[name]

export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
export const text = (value: unknown): string => (typeof value === 'string' ? value : '')
export const textOrNull = (value: unknown): string | null => text(value) || null
export const numberOrNull = (value: unknown): number | null => (typeof value === 'number' ? value : null)

export const ofLink = memberOf<Schemas['Link']>()
export const ofSession = memberOf<Schemas['Session']>()
export const ofProblem = memberOf<Schemas['Problem']>()
export const ofPointed = memberOf<NonNullable<Schemas['Problem']['errors']>[number]>()
