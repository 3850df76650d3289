/** Asking again when a busy server says when (503 with Retry-After). */

import { Failure } from './client'

const MOST_TRIES = 4
const LONGEST_S = 30

export type Wait = (milliseconds: number, signal: AbortSignal) => Promise<void>

/** What *ask* gives; where the server names a time, it is asked again after that time, three times at most. */
export async function patiently<T>(ask: () => Promise<T>, signal: AbortSignal, wait: Wait = pause): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask()
    } catch (error) {
      const after = secondsToWait(error)
      if (after === null || tries >= MOST_TRIES) throw error
      // Not all at once: what overloaded the server together would do so again.
      await wait(after * 1000 * (1 + Math.random() / 2), signal)
    }
  }
}

function secondsToWait(error: unknown): number | null {
  if (!(error instanceof Failure) || error.reason.kind !== 'problem' || error.reason.status !== 503) return null
  const { retryAfter } = error.reason
  return retryAfter === null || retryAfter > LONGEST_S ? null : retryAfter
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
