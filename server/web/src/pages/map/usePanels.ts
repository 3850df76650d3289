/** Panel widths and whether panels are open, remembered on this device. */

import { shallowRef, watch, type ShallowRef } from 'vue'
import { recall, remember } from '../../app/memory'

export interface Panel {
  readonly width: ShallowRef<number>
  readonly open: ShallowRef<boolean>
}

export function usePanel(name: string, width: number, openAtFirst: boolean): Panel {
  const [storedWidth = '', storedOpen = ''] = (recall(`panel.${name}`) ?? '').split(',')
  const panel = {
    width: shallowRef(Number(storedWidth) || width),
    open: shallowRef(storedOpen ? storedOpen === 'open' : openAtFirst),
  }
  watch([panel.width, panel.open], ([wide, open]) => remember(`panel.${name}`, `${wide},${open ? 'open' : 'shut'}`))
  return panel
}

/** True where panels are bottom sheets, of which one at most is open. */
export function useNarrow(): Readonly<ShallowRef<boolean>> {
  const query = matchMedia('(max-width: 899px)')
  const narrow = shallowRef(query.matches)
  query.addEventListener('change', () => (narrow.value = query.matches))
  return narrow
}
