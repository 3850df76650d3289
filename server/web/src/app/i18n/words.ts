/** The language in use. Chinese is the default and always there; a choice is remembered on this device. */

import { computed, shallowRef, type ComputedRef } from 'vue'
import type { Language } from '../../api/client'
import { recall, remember } from '../memory'
import { zh } from './zh'

export type Words = typeof zh

export const language = shallowRef<Language>('zh')
export const words = shallowRef<Words>(zh)

/** The words of one page in the language in use. They come along with the page, not with what all pages share. */
export const pageWords = <T>(chinese: T, english: T): ComputedRef<T> =>
  computed(() => (language.value === 'zh' ? chinese : english))

/** Restores the remembered choice, else follows the browser; resolves when the words are there. */
export async function startLanguage(): Promise<void> {
  const chosen = recall('language')
  await use(chosen === 'en' || chosen === 'zh' ? chosen : preferred(navigator.languages[0] ?? navigator.language))
}

/** Chinese, unless the browser's first language is another. */
export function preferred(first: string | undefined): Language {
  return !first || /^zh\b/i.test(first) ? 'zh' : 'en'
}

/** A choice of the reader. */
export async function speak(chosen: Language): Promise<void> {
  await use(chosen)
  remember('language', chosen)
}

async function use(chosen: Language): Promise<void> {
  words.value = chosen === 'zh' ? zh : (await import('./en')).en
  language.value = chosen
  document.documentElement.lang = words.value.locale
  document.title = words.value.system
}
