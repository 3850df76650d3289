import { describe, expect, it } from 'vitest'
import { choosePlaces, type Piece } from './labels'

const piece = (id: number, box: Piece['box'], ...places: Piece['places']): Piece => ({ id, box, places })
const view = [0, 0, 100, 100] as const

describe('the labels of features cut into tiles', () => {
  it('are one for each feature, on the piece of which most is in view', () => {
    const places = choosePlaces(
      [
        piece(2, [0, 0, 10, 10], [5, 5]),
        piece(1, [50, 0, 60, 10], [55, 5]),
        piece(2, [10, 0, 40, 10], [25, 5]),
        piece(2, [90, 0, 900, 10], [95, 5]),
      ],
      view,
    )
    expect([...places]).toEqual([
      [1, [55, 5]],
      [2, [25, 5]],
    ])
  })

  it('stand in view: the next place is taken where the best one is outside, and none where all are', () => {
    const places = choosePlaces(
      [piece(1, [-50, 0, 10, 10], [-20, 5], [5, 5]), piece(2, [-50, 0, 10, 10], [-20, 5])],
      view,
    )
    expect([...places]).toEqual([[1, [5, 5]]])
  })

  it('do not depend on the order in which tiles come', () => {
    const pieces = [piece(1, [0, 0, 10, 10], [5, 5]), piece(2, [0, 0, 20, 20], [6, 6]), piece(1, [0, 0, 30, 9], [7, 7])]
    expect([...choosePlaces([...pieces].reverse(), view)]).toEqual([...choosePlaces(pieces, view)])
  })
})
