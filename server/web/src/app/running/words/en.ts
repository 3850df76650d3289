import type { zh } from './zh'

export const en: typeof zh = {
  jobs: 'Jobs',
  running: (count) => `Jobs, ${count} unfinished`,
}
