/** The language in use. Chinese is the default and always there; the choice is remembered on this device. */

import { shallowRef } from 'vue'
import type { Language } from '../../api/client'
import { recall, remember } from '../memory'
import { zh } from './zh'

export type Words = typeof zh

export const language = shallowRef<Language>('zh')
export const words = shallowRef<Words>(zh)

/** Restores the remembered choice; resolves when its words are there. */
export async function startLanguage(): Promise<void> {
  await speak(recall('language') === 'en' ? 'en' : 'zh')
}

export async function speak(chosen: Language): Promise<void> {
  words.value = chosen === 'zh' ? zh : (await import('./en')).en
  language.value = chosen
  document.documentElement.lang = words.value.locale
  document.title = words.value.system
  remember('language', chosen)
}
