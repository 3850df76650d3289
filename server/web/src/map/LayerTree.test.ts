import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createApp, defineComponent, h, nextTick, type App } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import LayerTree from './LayerTree.vue'
import { useMapState } from './useMapState'
import { useShown } from './useShown'

const collection = (id: string, title: string, storage = 'managed') => ({
  id,
  title,
  'x-onemap': {
    theme: { id: 't', title: '主题', order: 1, parents: [] },
    geometry: 'polygon',
    storage,
    style: 's',
    editions: [],
    edition: null,
    fields: [],
    source: '某测绘院',
  },
})

let app: App | null = null
afterEach(() => {
  app?.unmount()
  vi.unstubAllGlobals()
})

/** The tree over a server that answers /collections and tilesets as told; styles never come here. */
async function tree(answer: () => Promise<Response>, tileset = answer, shown = ''): Promise<HTMLElement> {
  vi.stubGlobal(
    'fetch',
    vi.fn(({ url }: Request) => {
      if (url.includes('/tiles/')) return tileset()
      return url.includes('/collections') ? answer() : new Promise(() => undefined)
    }),
  )
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:rest(.*)*', component: { render: () => null } }],
  })
  await router.push(`/map?l=${shown}`)
  const Host = defineComponent({
    setup() {
      const layers = useShown(useMapState())
      return () => h(LayerTree, { layers, statuses: new Map(), scale: 10_000 })
    },
  })
  const element = document.createElement('div')
  app = createApp(Host)
  app
    .use(router)
    .use(VueQueryPlugin, { queryClient: new QueryClient({ defaultOptions: { queries: { retry: false } } }) })
  app.mount(element)
  await nextTick()
  return element
}

const json =
  (body: unknown, status = 200) =>
  () =>
    Promise.resolve(
      new Response(JSON.stringify(body), {
        status,
        headers: { 'Content-Type': 'application/json', 'X-Request-Id': 'r-1' },
      }),
    )
const settled = (element: HTMLElement, text: string): Promise<void> =>
  vi.waitFor(() => expect(element.textContent).toContain(text))

describe('the resource tree', () => {
  it('says that it is reading while it is', async () => {
    const element = await tree(() => new Promise(() => undefined))
    expect(element.querySelector('[role=status]')?.textContent).toContain('正在读取资源目录')
  })

  it('lists what the server has', async () => {
    const element = await tree(json({ collections: [collection('a', '甲'), collection('b', '乙')] }))
    await settled(element, '乙')
    expect([...element.querySelectorAll('input[type=checkbox]')]).toHaveLength(2)
    expect(element.textContent).toContain('已显示 0 / 2 层')
  })

  it('says why it is empty and what to do', async () => {
    const element = await tree(json({ collections: [] }))
    await settled(element, '目录中没有您可以查看的图层。')
    expect(element.textContent).toContain('登录后可能看到更多')
  })

  it('says what went wrong with the request id, and asks again', async () => {
    let answer = json({ code: 'Overloaded', detail: 'busy' }, 503)
    const element = await tree(() => answer())
    await settled(element, '服务器繁忙')
    expect(element.textContent).toContain('r-1')
    answer = json({ collections: [collection('a', '甲')] })
    element.querySelector<HTMLButtonElement>('[role=alert] button')?.click()
    await settled(element, '甲')
  })

  it('narrows a long list by its filter and says when nothing is left', async () => {
    const element = await tree(json({ collections: [collection('a', '甲'), collection('b', '乙')] }))
    await settled(element, '乙')
    const filter = element.querySelector<HTMLInputElement>('.filter input')
    if (!filter) throw new Error('no filter')
    filter.value = '丙'
    filter.dispatchEvent(new Event('input'))
    await settled(element, '没有名称或来源含“丙”的图层。')
  })

  it('writes a layer as text, whatever its title holds', async () => {
    const element = await tree(json({ collections: [collection('a', '<img src=x onerror=alert(1)>')] }))
    await settled(element, '<img src=x')
    expect(element.querySelector('img')).toBeNull()
  })

  describe('at an external table', () => {
    const both = json({ collections: [collection('a', '甲', 'external'), collection('b', '乙')] })
    const taken = (takenAt: string | null) => vi.fn(json({ 'x-onemap': { takenAt } }))
    const details = (element: HTMLElement, at: number) =>
      element.querySelectorAll<HTMLButtonElement>('button[aria-label$="来源与现势性"]')[at]?.click()

    it('tells as of when it is drawn far out, asked for once it is looked at and never before', async () => {
      const tileset = taken('2026-11-27T20:05:33+00:00')
      const element = await tree(both, tileset)
      await settled(element, '乙')
      details(element, 1)
      await settled(element, '某测绘院')
      expect(tileset).not.toHaveBeenCalled()

      details(element, 0)
      await settled(element, '缩小时截至 2026-11-28 04:05，放大即现状')
      expect(tileset).toHaveBeenCalledOnce()
    })

    it('tells it of one that is shown', async () => {
      const element = await tree(both, taken('2026-11-27T20:05:33+00:00'), 'a')
      await settled(element, '缩小时截至 2026-11-28 04:05')
    })

    it('says nothing where tiles show the table as it is, or nothing is known', async () => {
      for (const tileset of [taken(null), vi.fn(json({ code: 'NotFound' }, 404))]) {
        const element = await tree(both, tileset)
        await settled(element, '乙')
        details(element, 0)
        await vi.waitFor(() => expect(tileset).toHaveBeenCalledOnce())
        await nextTick()
        expect(element.textContent).not.toContain('缩小时')
        app?.unmount()
      }
    })
  })
})
