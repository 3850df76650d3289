/** Which layers are shown, resolved against the server's catalogue and styles. */

import { useQueries, useQuery } from '@tanstack/vue-query'
import { computed, shallowRef, watch, type ComputedRef } from 'vue'
import { fetchLayer, fetchLayers, fetchStyle } from '../api/layers'
import { language } from '../app/i18n/words'
import { collectionId, editionOf, isDrawable, isResultId, type Edition, type Layer } from '../domain/catalogue'
import { buildTree, listed } from '../domain/tree'
import type { DrawnLayer } from './layers'
import type { LayerChoice } from './state'
import { readStyle, type ServerStyle } from './style'
import type { MapStateHandle } from './useMapState'

export interface ShownLayer {
  readonly choice: LayerChoice
  readonly layer: Layer
  readonly edition: Edition | null
  readonly collection: string
}

export function useShown({ state, update }: MapStateHandle) {
  const query = useQuery({
    queryKey: ['layers', language],
    queryFn: () => fetchLayers(language.value),
    placeholderData: (before: readonly Layer[] | undefined) => before,
  })
  /** Results of jobs that a link has named and the catalogue does not list: asked for by their ids. */
  const named = shallowRef<readonly string[]>([])
  watch(
    [state, query.data],
    () => {
      const known = new Set([...named.value, ...(query.data.value ?? []).map(({ id }) => id)])
      const ids = (state.value.layers ?? []).map(({ layer }) => layer)
      const found = query.data.value ? ids.filter((id) => isResultId(id) && !known.has(id)) : []
      if (found.length) named.value = [...named.value, ...found]
    },
    { immediate: true, flush: 'sync' },
  )
  const results = useQueries({
    queries: computed(() =>
      named.value.map((id) => ({
        queryKey: ['layer', id, language.value],
        queryFn: () => fetchLayer(id, language.value),
        placeholderData: (before: Layer | undefined) => before,
      })),
    ),
  })
  const layers = computed<readonly Layer[]>(() => {
    const listed = query.data.value ?? []
    const others = results.value.flatMap(({ data }) => data ?? [])
    return [...listed, ...others.filter(({ id }) => !listed.some((layer) => layer.id === id))]
  })
  const write = (next: readonly LayerChoice[], how: 'push' | 'replace' = 'push'): void => update({ layers: next }, how)

  /** A link that names no layers shows the first theme of the catalogue: the ground to stand on. */
  const choices = computed<readonly LayerChoice[]>(() => {
    if (state.value.layers) return state.value.layers
    const [first] = buildTree(layers.value.filter(isDrawable))
    return first ? listed([first]).map(({ id }) => ({ layer: id, edition: null, opacity: 100 })) : []
  })

  const resolved = computed(() => choices.value.map((choice) => resolve(choice, layers.value)))
  const shown = computed(() => resolved.value.filter((item): item is ShownLayer => 'layer' in item))

  /** Choices that the catalogue does not have for this reader. They leave the link, and return when they can be seen. */
  const missing = shallowRef<readonly LayerChoice[]>([])
  const unknown = computed(() => missing.value.map(({ layer, edition }) => collectionId(layer, edition)))
  watch(
    [resolved, query.data, query.isPlaceholderData, results],
    () => {
      if (!query.data.value || query.isPlaceholderData.value) return
      const answered = results.value.filter(({ isPending }) => !isPending).length
      if (answered < named.value.length) return
      const isKnown = (choice: LayerChoice): boolean => 'layer' in resolve(choice, layers.value)
      const lost = choices.value.filter((choice) => !isKnown(choice))
      const found = missing.value.filter(isKnown)
      if (!lost.length && !found.length) return
      missing.value = [...missing.value.filter((choice) => !isKnown(choice)), ...lost]
      const kept = choices.value.filter(isKnown)
      const back = found.filter((choice) => !kept.some((other) => isSame(choice, other)))
      write([...back, ...kept], 'replace')
    },
    { immediate: true },
  )

  /** The last style read of each: another language must not empty the map while its legend is on the way. */
  const kept = new Map<string, ServerStyle>()
  const keep = (id: string, style: ServerStyle): ServerStyle => {
    kept.set(id, style)
    return style
  }
  const styleIds = computed(() => [...new Set(shown.value.flatMap(({ layer }) => layer.style ?? []))])
  const styles = useQueries({
    queries: computed(() =>
      styleIds.value.map((id) => ({
        queryKey: ['style', id, language.value],
        queryFn: async () => keep(id, readStyle(await fetchStyle(id, language.value))),
      })),
    ),
  })
  const styleOf = (layer: Layer): (typeof styles.value)[number] | undefined =>
    styles.value[styleIds.value.indexOf(layer.style ?? '')]

  const drawn: ComputedRef<readonly DrawnLayer[]> = computed(() =>
    shown.value.flatMap(({ choice, layer, collection }) => {
      const style = styleOf(layer)?.data ?? kept.get(layer.style ?? '')
      return style ? [{ collection, source: layer.id, style, opacity: choice.opacity }] : []
    }),
  )

  return {
    query,
    layers,
    shown,
    unknown,
    drawn,
    styleOf,
    toggle: (layer: Layer): void => {
      const rest = choices.value.filter((choice) => choice.layer !== layer.id)
      write(rest.length < choices.value.length ? rest : [{ layer: layer.id, edition: null, opacity: 100 }, ...rest])
    },
    setOpacity: (changed: LayerChoice, opacity: number): void =>
      write(
        choices.value.map((choice) => (isSame(choice, changed) ? { ...choice, opacity } : choice)),
        'replace',
      ),
    setEdition: (changed: LayerChoice, edition: string | null): void => {
      const others = choices.value.filter(
        (choice) => isSame(choice, changed) || choice.layer !== changed.layer || choice.edition !== edition,
      )
      write(others.map((choice) => (isSame(choice, changed) ? { ...choice, edition } : choice)))
    },
    /** Moves a layer up (-1) or down (+1) in the drawing order. */
    move: (moved: LayerChoice, by: -1 | 1): void => {
      const next = [...choices.value]
      const from = next.findIndex((choice) => isSame(choice, moved))
      const [taken] = next.splice(from, 1)
      if (taken) next.splice(Math.max(0, from + by), 0, taken)
      write(next)
    },
  }
}

export type Shown = ReturnType<typeof useShown>

const isSame = (choice: LayerChoice, other: LayerChoice): boolean =>
  choice.layer === other.layer && choice.edition === other.edition

function resolve(choice: LayerChoice, layers: readonly Layer[]): ShownLayer | { readonly unknown: string } {
  const collection = collectionId(choice.layer, choice.edition)
  const layer = layers.find((item) => item.id === choice.layer)
  if (!layer || !isDrawable(layer)) return { unknown: collection }
  const edition = editionOf(layer, choice.edition)
  return choice.edition !== null && edition === null ? { unknown: collection } : { choice, layer, edition, collection }
}
