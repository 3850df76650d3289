/** The words of this page in the language in use. */

import { language, pageWords } from '../../app/i18n/words'
import type { Titled } from '../../domain/check'
import { en } from './words/en'
import { zh } from './words/zh'

export const said = pageWords(zh, en)
export type Said = typeof zh

/** A title of the server in the language in use. */
export const titleOf = (title: Titled): string => title[language.value]
