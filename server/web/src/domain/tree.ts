/** The resource tree: themes as the server nests them, layers under their theme in the server's order. */

import type { Layer, ThemeName } from './catalogue'

export interface Branch {
  readonly id: string
  readonly title: string
  readonly branches: readonly Branch[]
  readonly layers: readonly Layer[]
}

interface Growing {
  readonly name: ThemeName
  order: number
  readonly children: Map<string, Growing>
  readonly layers: Layer[]
}

export function buildTree(layers: readonly Layer[]): readonly Branch[] {
  const root = new Map<string, Growing>()
  for (const layer of layers) {
    const path: readonly ThemeName[] = [...layer.theme.parents, layer.theme]
    let level = root
    let node: Growing | undefined
    for (const name of path) {
      node = level.get(name.id) ?? grow(level, name)
      node.order = name.order ?? Math.min(node.order, layer.theme.order ?? Infinity)
      level = node.children
    }
    node?.layers.push(layer)
  }
  return finish(root)
}

/** Layers whose title, id, description, theme, source or document contains every word of *query*. */
export function filterLayers(layers: readonly Layer[], query: string): readonly Layer[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (!words.length) return layers
  return layers.filter((layer) => words.every((word) => haystack(layer).includes(word)))
}

/** Every layer of a tree, top to bottom as listed. */
export function listed(branches: readonly Branch[]): readonly Layer[] {
  return branches.flatMap((branch) => [...branch.layers, ...listed(branch.branches)])
}

function grow(level: Map<string, Growing>, name: ThemeName): Growing {
  const node: Growing = { name, order: Infinity, children: new Map(), layers: [] }
  level.set(name.id, node)
  return node
}

function finish(level: Map<string, Growing>): readonly Branch[] {
  return [...level.values()]
    .sort((a, b) => compare(a.order, b.order) || compare(a.name.id, b.name.id))
    .map(({ name: { id, title }, children, layers }) => ({ id, title, branches: finish(children), layers }))
}

function haystack(layer: Layer): string {
  const themes: readonly ThemeName[] = [layer.theme, ...layer.theme.parents]
  const parts = [layer.title, layer.id, layer.description, layer.source, layer.edition?.document ?? '']
  return [...parts, ...themes.map((theme) => theme.title)].join('\n').toLowerCase()
}

const compare = <T extends string | number>(one: T, other: T): number => (one < other ? -1 : one > other ? 1 : 0)
