/** What a rule set asks of a project: its matters, attributes, flags and documents. */

import type { Asked, Choice, Questions } from '../domain/checkRequest'
import type { Process } from '../domain/process'
import { getAnswer, type Language } from './client'
import { list, memberOf, record, text } from './read'

interface RulesetDetail {
  readonly profiles: unknown
  readonly attributes: unknown
  readonly flags: unknown
  readonly documents: unknown
}

const ofRuleset = memberOf<RulesetDetail>()

/** The questions of the rule set that *process* takes by default. */
export async function fetchQuestions(process: Process, lang: Language, signal: AbortSignal): Promise<Questions> {
  const initial = (name: string): string => text(process.inputs.find((input) => input.name === name)?.schema['default'])
  const address = `/catalogue/rulesets/${encodeURIComponent(initial('ruleset'))}?lang=${lang}`
  const answer = await getAnswer(address, 'application/json', signal)
  return readQuestions(await answer.json(), initial('profile'))
}

export const readQuestions = (json: unknown, profile: string): Questions => ({
  profile,
  profiles: list(ofRuleset(json, 'profiles')).map(choice),
  attributes: list(ofRuleset(json, 'attributes')).map(attribute),
  // What a service answers is not the applicant's to declare.
  flags: list(ofRuleset(json, 'flags'))
    .filter((flag) => record(flag)['source'] !== 'service')
    .map(choice),
  documents: list(ofRuleset(json, 'documents')).map(choice),
})

function choice(json: unknown): Choice {
  const id = text(record(json)['id'])
  return { id, title: text(record(json)['title']) || id }
}

function attribute(json: unknown): Asked {
  const { type, unit, note } = record(json)
  const { id, title } = choice(json)
  return {
    id,
    title: text(unit) ? `${title}（${text(unit)}）` : title,
    kind: type === 'number' ? 'number' : 'text',
    note: text(note),
  }
}
