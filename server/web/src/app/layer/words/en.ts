/** English words of choosing features of a layer. */

import type { zh } from './zh'

export const en: typeof zh = {
  choice: 'Choose',
  layer: 'Layer',
  edition: 'Edition',
  current: 'Edition in force',
  filter: 'Filter (CQL2)',
  filterHint: "For example: field = 'value' AND field > 10; all features where empty.",
  fields: 'Fields to use',
  asOf: 'As recorded on',
  asOfHint: 'The latest where empty.',
  loading: 'Reading layers',
  none: 'No layer fits.',
  other: 'The layer of the link',
}
