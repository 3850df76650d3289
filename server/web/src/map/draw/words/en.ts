/** English words of drawing by hand. */

import type { zh } from './zh'

export const en: typeof zh = {
  shape: { label: 'Kind of shape', Point: 'point', LineString: 'line', Polygon: 'area' },
  draw: {
    map: 'Map to draw on. A click adds a position, a double click ends. Without a mouse, use “Paste or type” for coordinates.',
    hint: 'A click adds a position, a double click ends; drag corners to change them, Esc gives up the shape under way.',
    undo: 'Undo last position',
    finish: 'End the shape',
    remove: (shape) => `Delete ${shape}`,
    find: (shape) => `Zoom to ${shape}`,
    clear: 'Delete all',
    none: 'There is no shape yet.',
    drawn: 'Shapes drawn',
    beneath: 'Layers beneath',
    described: (shape, points) => `${shape}: ${points} positions`,
    count: (count) => `${count} ${count === 1 ? 'shape' : 'shapes'} drawn`,
  },
}
