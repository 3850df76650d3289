/** What of a link could not be followed, in one sentence that can be dismissed. */

import { computed, shallowRef, type ComputedRef } from 'vue'
import { words } from '../../app/i18n/words'
import type { FeatureInfo } from '../../map/useFeatureInfo'
import type { MapStateHandle } from '../../map/useMapState'
import type { Shown } from '../../map/useShown'

export function useNotice(handle: MapStateHandle, layers: Shown, feature: FeatureInfo) {
  const dismissed = shallowRef('')
  const all: ComputedRef<string> = computed(() => {
    const { notice, locale } = words.value
    const list = new Intl.ListFormat(locale)
    const dropped = list.format(handle.dropped.value)
    const unknown = list.format(layers.unknown.value)
    const lost = feature.lost.value
    const parts = [
      dropped && notice.dropped(dropped),
      unknown && notice.unknown(unknown),
      lost && notice.selection(lost),
    ]
    return parts.filter(Boolean).join(locale.startsWith('zh') ? '' : ' ')
  })
  return {
    notice: computed(() => (all.value === dismissed.value ? '' : all.value)),
    dismiss: (): void => void (dismissed.value = all.value),
  }
}
