/** Whether the way to another page has begun: who writes to the address then would call it off. */

import { onScopeDispose } from 'vue'
import { useRouter } from 'vue-router'

export function useLeaving(): () => boolean {
  const router = useRouter()
  let leaving = false
  const stops = [
    router.beforeEach((to, from) => void (leaving = to.path !== from.path)),
    router.afterEach(() => void (leaving = false)),
  ]
  onScopeDispose(() => stops.forEach((stop) => stop()))
  return () => leaving
}
