import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApp, type App } from 'vue'
import { createMemoryHistory, createRouter, type Router } from 'vue-router'
import { useMapState, type MapStateHandle } from './useMapState'

let app: App
let router: Router
let handle: MapStateHandle

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:rest(.*)*', component: { render: () => null } }],
  })
  await router.push('/map?l=one&c=125,44&s=10000')
  app = createApp({
    setup() {
      handle = useMapState()
      return () => null
    },
  })
  app.use(router).mount(document.createElement('div'))
})
afterEach(() => {
  app.unmount()
  vi.useRealTimers()
})

const settled = async (): Promise<void> => {
  await vi.advanceTimersByTimeAsync(300)
  await Promise.resolve()
}

describe('the state in the address', () => {
  it('is what the link says', () => {
    expect(handle.state.value.layers).toEqual([{ layer: 'one', edition: null, opacity: 100 }])
  })

  it('follows movement without making steps, and meaning with one', async () => {
    handle.update({ centre: [126, 45] }, 'replace')
    handle.update({ centre: [126.5, 45] }, 'replace')
    await settled()
    expect(router.currentRoute.value.query['c']).toBe('126.5,45')
    handle.update({ layers: [] }, 'push')
    await settled()
    expect(router.currentRoute.value.query['l']).toBe('')
    router.back()
    await settled()
    expect(handle.state.value.layers).toEqual([{ layer: 'one', edition: null, opacity: 100 }])
    expect(handle.state.value.centre).toEqual([126.5, 45])
  })

  it('does not call off the way to another page that is still being loaded', async () => {
    let arrive = (): void => undefined
    const loaded = new Promise<void>((resolve) => (arrive = resolve))
    router.addRoute({ path: '/other', component: () => loaded.then(() => ({ render: () => null })) })
    const way = router.push('/other')
    await Promise.resolve()
    handle.update({ centre: [126, 45] }, 'replace')
    await settled()
    arrive()
    await way
    expect(router.currentRoute.value.path).toBe('/other')
  })

  it('does not keep what means nothing, but names it', async () => {
    await router.push('/map?l=one,Three&zz=1')
    await settled()
    expect(router.currentRoute.value.query).toEqual({ l: 'one' })
    expect(handle.dropped.value).toEqual(['zz=1', 'Three'])
  })

  it('loses no change that comes while an earlier one is being written', async () => {
    handle.update({ layers: [] }, 'push')
    handle.update({ selection: { layer: 'one', edition: null, id: '7' } }, 'push')
    await settled()
    expect(router.currentRoute.value.query).toMatchObject({ l: '', sel: 'one/7' })
    expect(handle.state.value.selection?.id).toBe('7')
  })
})
