/** Failures as sentences: what happened, what to do, and the words the administrator will ask for. */

import { Failure, type Problem } from '../api/client'
import type { Words } from './i18n/words'

export interface Told {
  readonly title: string
  readonly advice: string
  /** The server's own (English) explanation, or empty. */
  readonly detail: string
  readonly requestId: string | null
}

export function tell(error: unknown, words: Words): Told {
  const reason = error instanceof Failure ? error.reason : null
  if (reason?.kind === 'unreachable') return told(words.problem.unreachable)
  if (reason === null) return told(words.problem.fallback(0), error instanceof Error ? error.message : '')
  const sentences = byProblem(reason, words)
  return told(sentences, reason.detail, reason.requestId)
}

function byProblem({ code, status }: Problem, { problem }: Words): readonly string[] {
  return problem.codes[code] ?? problem.statuses[status] ?? problem.fallback(status)
}

function told(sentences: readonly string[], detail = '', requestId: string | null = null): Told {
  const [title = '', advice = ''] = sentences
  return { title, advice, detail, requestId }
}
