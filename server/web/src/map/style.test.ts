import { describe, expect, it } from 'vitest'
import { labelZoom, readStyle, zoomsOf } from './style'

describe('a style of the server', () => {
  const style = readStyle({
    version: 8,
    metadata: {
      'onemap:legend': {
        one: [{ title: '甲', fill: '#fff', outline: null, hatch: true, opacity: 0.5, dash: [4, 2] }, {}],
      },
    },
    sources: { one: { type: 'vector', minzoom: 9, maxzoom: 16 }, two: { type: 'vector' } },
    layers: [{ id: 'a' }, { id: 'b', metadata: { 'onemap:hatch': '#333' } }],
  })

  it('has the legend as the server wrote it, gaps filled', () => {
    expect(style.legend['one']).toEqual([
      { title: '甲', fill: '#fff', outline: null, hatch: true, opacity: 0.5, dash: [4, 2] },
      { title: '', fill: null, outline: null, hatch: false, opacity: 1, dash: [] },
    ])
  })

  it('says which of its parts are hatched', () => {
    expect([...style.hatches]).toEqual([[1, '#333']])
  })

  it('says which zooms have tiles', () => {
    expect(zoomsOf(style, 'one')).toEqual({ min: 9, max: 16 })
    expect(zoomsOf(style, 'two').min).toBe(0)
    expect(zoomsOf(style, 'absent').min).toBe(0)
  })

  it('says from which zoom on there are labels', () => {
    const layers = [
      { source: 'one', type: 'symbol', minzoom: 7 },
      { source: 'two', type: 'line', minzoom: 3 },
    ]
    const labelled = readStyle({ layers })
    expect(['one', 'two'].map((source) => labelZoom(labelled, source))).toEqual([7, null])
  })

  it('is empty, not an error, when the server sent nonsense', () => {
    for (const nonsense of [null, 'x', 1, []]) expect(readStyle(nonsense).legend).toEqual({})
  })
})
