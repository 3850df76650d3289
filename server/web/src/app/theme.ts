/** Light or dark: the system's wish until the reader chooses. */

import { shallowRef, watch } from 'vue'
import { recall, remember } from './memory'

export type Theme = 'light' | 'dark'

const wished = (): Theme => (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')
const stored = recall('theme')

export const theme = shallowRef<Theme>(stored === 'dark' || stored === 'light' ? stored : wished())

export function startTheme(): void {
  watch(theme, (chosen) => (document.documentElement.dataset['theme'] = chosen), { immediate: true })
}

export function chooseTheme(chosen: Theme): void {
  theme.value = chosen
  remember('theme', chosen)
}
