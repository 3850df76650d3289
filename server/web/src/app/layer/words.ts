/** The words of choosing features of a layer in the language in use. */

import { pageWords } from '../i18n/words'
import { en } from './words/en'
import { zh } from './words/zh'

export const said = pageWords(zh, en)
