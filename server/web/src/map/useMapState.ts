/** The URL is the state: read from the route, written back to it. */

import { shallowRef, watch, type ShallowRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { useLeaving } from '../app/leaving'
import { decode, encode, sameState, type MapState } from './state'

export interface MapStateHandle {
  readonly state: Readonly<ShallowRef<MapState>>
  /** Parts of the link that mean nothing here. */
  readonly dropped: Readonly<ShallowRef<readonly string[]>>
  /** `push` makes a step that Back undoes; `replace` follows movement. */
  readonly update: (change: Partial<MapState>, how: 'push' | 'replace') => void
}

const REST_MS = 250

export function useMapState(): MapStateHandle {
  const route = useRoute()
  const router = useRouter()
  const isLeaving = useLeaving()
  const first = decode(route.query)
  const state = shallowRef(first.state)
  const dropped = shallowRef(first.dropped)
  let writing = 0
  let timer = 0
  const writeLater = (): void => void (timer ||= window.setTimeout(() => void write('replace'), REST_MS))

  async function write(how: 'push' | 'replace'): Promise<void> {
    clearTimeout(timer)
    timer = 0
    if (isLeaving()) return
    writing += 1
    try {
      await router[how]({ query: encode(state.value) })
    } finally {
      writing -= 1
    }
  }

  function update(change: Partial<MapState>, how: 'push' | 'replace'): void {
    const next = { ...state.value, ...change }
    if (sameState(next, state.value)) return
    state.value = next
    if (how === 'push') void write('push')
    else writeLater()
  }

  watch(
    () => route.query,
    (query) => {
      if (writing) return
      const read = decode(query)
      clearTimeout(timer)
      timer = 0
      state.value = read.state
      dropped.value = read.dropped
      if (read.dropped.length) writeLater()
    },
    { flush: 'sync' },
  )
  // What means nothing is named once and does not stay in the address, to be copied on.
  if (first.dropped.length) writeLater()

  return { state, dropped, update }
}
