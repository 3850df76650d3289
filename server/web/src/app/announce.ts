/** What just happened, said once to people who listen instead of look, and shown briefly as a success. */

import { shallowRef } from 'vue'

const SHOWN_MS = 4000

export const announcement = shallowRef('')
export const success = shallowRef('')

let timer = 0

export function announce(text: string): void {
  announcement.value = ''
  requestAnimationFrame(() => (announcement.value = text))
}

export function succeed(text: string): void {
  announce(text)
  success.value = text
  clearTimeout(timer)
  timer = window.setTimeout(() => (success.value = ''), SHOWN_MS)
}
