/** What is wrong with the fields of a form: known before sending, or told by the server with its pointer. */

import type { PointedError } from '../../api/client'
import type { Fault } from '../../domain/processForm'
import type { Said } from './words'

export interface FieldError {
  readonly text: string
  /** The server explains in English. */
  readonly lang?: 'en'
}

export function faultText(fault: Fault, { fault: words }: Said, locale: string): string {
  const told = words[fault.is]
  if (typeof told === 'string') return told
  return told('at' in fault ? new Intl.NumberFormat(locale, { maximumFractionDigits: 6 }).format(fault.at) : '')
}

export interface Placed {
  readonly inputs: ReadonlyMap<string, FieldError>
  readonly outputs: ReadonlyMap<string, FieldError>
  /** Those that belong to no field of the form. */
  readonly others: readonly string[]
}

const POINTER = /^\/(inputs|outputs)\/([^/]+)(.*)$/

/** The server's errors by the field that each points at. */
export function placed(errors: readonly PointedError[], names: ReadonlySet<string>): Placed {
  const found = { inputs: new Map<string, FieldError>(), outputs: new Map<string, FieldError>() }
  const others: string[] = []
  for (const { pointer, detail } of errors) {
    const [, where, raw = '', rest = ''] = POINTER.exec(pointer) ?? []
    const name = raw.replace(/~1/g, '/').replace(/~0/g, '~')
    const text = rest ? `${rest}: ${detail}` : detail
    if ((where === 'inputs' || where === 'outputs') && names.has(`${where}/${name}`)) {
      const before = found[where].get(name)
      found[where].set(name, { text: before ? `${before.text}; ${text}` : text, lang: 'en' })
    } else others.push(pointer ? `${pointer}: ${detail}` : detail)
  }
  return { ...found, others }
}
