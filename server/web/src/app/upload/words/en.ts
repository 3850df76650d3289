/** English words of sending one file. */

import type { zh } from './zh'

export const en: typeof zh = {
  sending: (name) => `Uploading ${name}`,
  done: (name) => `${name} is uploaded`,
  cancel: 'Cancel upload',
  remove: 'Remove the file',
  expires: (date) => `kept by the server until ${date}`,
}
