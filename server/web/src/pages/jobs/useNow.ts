/** The present moment, each second while somebody needs it. */

import { onScopeDispose, shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue'

export function useNow(needed: ComputedRef<boolean>): Readonly<ShallowRef<number>> {
  const now = shallowRef(Date.now())
  let timer = 0
  const stop = (): void => clearInterval(timer)
  watch(
    needed,
    (is) => {
      stop()
      if (is) timer = window.setInterval(() => (now.value = Date.now()), 1000)
    },
    { immediate: true },
  )
  onScopeDispose(stop)
  return now
}
