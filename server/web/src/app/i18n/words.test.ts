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
  typeof value === 'function' ? String((value as (...args: unknown[]) => unknown)('X1', 'X2')) : String(value)

describe('the dictionaries', () => {
  const [chinese, english] = [leaves(zh), leaves(en)]

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
