/** The borders of the application, read from its own source. */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const SOURCE = dirname(fileURLToPath(import.meta.url))
const ROOT = join(SOURCE, '..')
const PROJECT = join(ROOT, '../..')

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(ts|vue|css)$/.test(name) && name !== join('api', 'schema.d.ts'))
  .map((name) => ({ name: name.split('\\').join('/'), text: readFileSync(join(SOURCE, name), 'utf8') }))
const product = files.filter(({ name }) => !name.endsWith('.test.ts'))

const IMPORT = /(?:from\s+|import\s*\(\s*|import\s+)'([^']+)'/g
const imports = ({ name, text }: { name: string; text: string }): string[] =>
  [...text.matchAll(IMPORT)].map(([, target = '']) =>
    target.startsWith('.') ? posix.normalize(posix.join(posix.dirname(name), target)) : target,
  )
const roomOf = (path: string): string => (path.includes('/') ? (path.split('/')[0] ?? '') : '')

/** Which rooms a room may look into: pages > map > ui, app > api > domain. */
const MAY_USE: Readonly<Record<string, readonly string[]>> = {
  domain: ['domain'],
  api: ['api', 'domain'],
  ui: ['ui'],
  app: ['app', 'ui', 'api', 'domain'],
  map: ['map', 'app', 'ui', 'api', 'domain'],
  pages: ['pages', 'map', 'app', 'ui', 'api', 'domain'],
  styles: [],
}

describe('imports', () => {
  it('point one way between the rooms', () => {
    const wrong = product.flatMap((file) =>
      imports(file)
        .filter(() => roomOf(file.name) !== '') // main.ts and router.ts put everything together
        .filter((target) => Object.hasOwn(MAY_USE, roomOf(target)))
        .filter((target) => !MAY_USE[roomOf(file.name)]?.includes(roomOf(target)))
        .map((target) => `${file.name} > ${target}`),
    )
    expect(wrong).toEqual([])
  })

  it('of one page never reach into another page', () => {
    const pageOf = (path: string): string => path.split('/')[1] ?? ''
    const wrong = product
      .filter(({ name }) => name.startsWith('pages/'))
      .flatMap((file) =>
        imports(file).filter((target) => target.startsWith('pages/') && pageOf(target) !== pageOf(file.name)),
      )
    expect(wrong).toEqual([])
  })

  it.each([
    ['ol', 'map/', /^ol(-mapbox-style)?(\/|$)/],
    ['openapi-fetch', 'api/', /^openapi-fetch/],
    ['reka-ui', 'ui/', /^reka-ui/],
  ])('of %s stay in %s', (_library, room, pattern) => {
    const wrong = product.filter(
      (file) => !file.name.startsWith(room) && imports(file).some((target) => pattern.test(target)),
    )
    expect(wrong.map(({ name }) => name)).toEqual([])
  })

  it('of OpenLayers are by path, so that only what is used is shipped', () => {
    const wrong = product.filter((file) =>
      imports(file).some(
        (target) => target === 'ol' || (/^ol\/[a-z]+$/i.test(target) && !/^ol\/(proj|tilegrid)/.test(target)),
      ),
    )
    expect(wrong.map(({ name }) => name)).toEqual([])
  })

  it('of ol-mapbox-style are its style function alone: the rest would load fonts from a public host', () => {
    const targets = product.flatMap(imports).filter((target) => target.startsWith('ol-mapbox-style'))
    expect(new Set(targets)).toEqual(new Set(['ol-mapbox-style/stylefunction', 'ol-mapbox-style']))
    expect(product.find(({ name }) => name === 'map/ol-mapbox-style.d.ts')?.text).toContain("from 'ol-mapbox-style'")
  })
})

describe('source', () => {
  it('calls fetch in one place', () => {
    const callers = product.filter(({ text }) => /\bfetch\(|XMLHttpRequest|EventSource|WebSocket/.test(text))
    expect(callers.map(({ name }) => name)).toEqual(['api/client.ts'])
  })

  it('has colours in tokens.css alone', () => {
    const quoted = /['"`]#[0-9a-f]{3,8}['"`]|\b(?:rgba?|hsla?|oklch)\(/i
    const inStyle = /#[0-9a-f]{3,8}\b/i
    const coloured = product.filter(({ name, text }) => {
      const style = name.endsWith('.css') ? text : (/<style[^>]*>([^]*)<\/style>/.exec(text)?.[1] ?? '')
      return name !== 'styles/tokens.css' && (quoted.test(text) || inStyle.test(style))
    })
    expect(coloured.map(({ name }) => name)).toEqual([])
  })

  it('names no layer, style or process of the catalogue', () => {
    const known = catalogueIds()
    expect(known.length).toBeGreaterThan(3)
    const named = product.flatMap(({ name, text }) =>
      known.filter((id) => new RegExp(`['"\`/.]${id}['"\`/.]`).test(text)).map((id) => `${name}: ${id}`),
    )
    expect(named).toEqual([])
  })

  it('has nothing that the content security policy forbids', () => {
    const forbidden = /(?<![:\w-])style="|v-html|\beval\(|new Function|\bon[a-z]+="[^"]*\(|innerHTML/
    expect(product.filter(({ text }) => forbidden.test(text)).map(({ name }) => name)).toEqual([])
    expect(readFileSync(join(ROOT, 'index.html'), 'utf8')).not.toMatch(/<script(?![^>]*\bsrc=)|<style|style=/)
  })

  it('keeps !important out of the styles, and components short', () => {
    expect(product.filter(({ text }) => text.includes('!important')).map(({ name }) => name)).toEqual([])
    const long = product.filter(({ name, text }) => name.endsWith('.vue') && text.split('\n').length > 250)
    expect(long.map(({ name }) => name)).toEqual([])
  })
})

describe('packages', () => {
  it('are locked by hash and name no registry', () => {
    const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
    expect(lock).not.toContain('"resolved"')
    expect(lock).toContain('"integrity"')
  })

  it('have exact versions', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<
      string,
      Record<string, string>
    >
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
    )
    expect(loose).toEqual([])
  })
})

function catalogueIds(): string[] {
  const folders = [
    'config/demo/layers',
    'config/catalogue/layers',
    'config/catalogue/styles',
    'config/catalogue/processes',
  ]
  const entries = folders.flatMap((folder) => {
    try {
      return readdirSync(join(PROJECT, folder)).map((name) => readFileSync(join(PROJECT, folder, name), 'utf8'))
    } catch {
      return [] // this folder of the catalogue does not exist
    }
  })
  const ids = entries.flatMap((text) => [...text.matchAll(/^id:\s*([\w-]+)/gm)].map(([, id = '']) => id))
  // Short common words would be found everywhere and prove nothing.
  return ids.filter((id) => id.includes('_') || id.includes('-'))
}
