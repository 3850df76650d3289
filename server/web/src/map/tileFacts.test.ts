import { describe, expect, it } from 'vitest'
import { omittedLayer, readFacts, TileBook } from './tileFacts'

describe('the facts of a tile', () => {
  it('are features where they have an identity, and classes where none has', () => {
    expect(readFacts([{ om_id: 'a', class: '01' }], []).merged).toBe(false)
    expect(readFacts([{ class: '01' }, { class: '02' }], []).merged).toBe(true)
    expect(readFacts([], []).merged).toBe(false)
  })

  it('count what the server left out', () => {
    expect(omittedLayer('one')).toBe('one_omitted')
    expect(readFacts([{ om_id: 'a' }], [{ count: 12 }]).omitted).toBe(12)
    expect(readFacts([{ om_id: 'a' }], [{ count: 'x' }, {}]).omitted).toBe(0)
  })
})

describe('the book of tiles', () => {
  const book = new TileBook()
  book.write('a', { zoom: 9, box: [0, 0, 10, 10], merged: true, omitted: 0 })
  book.write('b', { zoom: 12, box: [0, 0, 1, 1], merged: false, omitted: 3 })
  book.write('c', { zoom: 12, box: [1, 0, 2, 1], merged: false, omitted: 4 })
  book.write('c', { zoom: 12, box: [1, 0, 2, 1], merged: false, omitted: 5 })

  it('knows where classes are shown, at their zoom alone', () => {
    expect([book.isMerged([5, 5], 9), book.isMerged([0.5, 0.5], 12), book.isMerged([50, 50], 9)]).toEqual([
      true,
      false,
      false,
    ])
  })

  it('sums what is left out in view, each tile once', () => {
    expect(book.omitted([0.2, 0.2, 1.8, 0.8], 12)).toBe(8)
    expect(book.omitted([0.2, 0.2, 0.8, 0.8], 12)).toBe(3)
    expect(book.omitted([0.2, 0.2, 1.8, 0.8], 9)).toBe(0)
  })
})
