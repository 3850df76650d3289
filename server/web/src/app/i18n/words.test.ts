import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { en } from './en'
import { preferred } from './words'
import { zh } from './zh'

type Leaf = readonly [path: string, value: unknown]

function leaves(value: unknown, path = ''): Leaf[] {
  if (typeof value !== 'object' || value === null) return [[path, value]]
  return Object.entries(value).flatMap(([key, item]) => leaves(item, path ? `${path}.${key}` : key))
}

const sample = (value: unknown): string =>
  typeof value === 'function' ? String((value as (...args: unknown[]) => unknown)('X1', 'X2', 'X3')) : String(value)

/** The shared dictionary, and those that come along with a page or a part (`words/zh.ts` beside `words/en.ts`). */
const SOURCE = join(dirname(fileURLToPath(import.meta.url)), '../..')
const own = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) => /words[\\/]zh\.ts$/.test(name))
const load = async (name: string): Promise<unknown> => Object.values((await import(join(SOURCE, name))) as object)[0]
const dictionaries = await Promise.all(
  own.map(async (name) => [name, await load(name), await load(name.replace('zh.ts', 'en.ts'))] as const),
)

describe.each([['app/i18n', zh, en] as const, ...dictionaries])('the dictionaries of %s', (_name, ofChinese, ofEnglish) => {
  const [chinese, english] = [leaves(ofChinese), leaves(ofEnglish)]

  it('have the same words in both languages', () => {
    expect(english.map(([path]) => path).sort()).toEqual(chinese.map(([path]) => path).sort())
  })

  it('have no empty word', () => {
    expect([...chinese, ...english].filter(([, value]) => !sample(value).trim())).toEqual([])
  })

  it('use every value that a sentence is given', () => {
    const deaf = [...chinese, ...english].filter(([path, value]) => {
      if (typeof value !== 'function') return false
      const said = sample(value)
      return (
        path !== 'problem.fallback' &&
        !Array.from({ length: value.length }, (_, i) => said.includes(`X${i + 1}`)).every(Boolean)
      )
    })
    expect(deaf.map(([path]) => path)).toEqual([])
  })

  it('are each in their own language', () => {
    const han = /\p{Script=Han}/u
    const foreign = english.filter(([path, value]) => path !== 'header.otherLanguage' && han.test(sample(value)))
    expect(foreign.map(([path]) => path)).toEqual([])
    const untranslated = chinese.filter(
      ([path, value]) =>
        !['locale', 'header.otherLanguage', 'results.inUnit'].includes(path) && !han.test(sample(value)),
    )
    expect(untranslated.map(([path]) => path)).toEqual([])
  })
})

describe('the first language', () => {
  it('is Chinese unless the browser prefers another', () => {
    expect(['zh-CN', 'zh', 'ZH-Hant', '', undefined].map(preferred)).toEqual(Array(5).fill('zh'))
    expect(['en-US', 'de', 'zhx'].map(preferred)).toEqual(Array(3).fill('en'))
  })
})
