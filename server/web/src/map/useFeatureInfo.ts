/** The answer to "what is here", and the one feature that is selected. */

import { onScopeDispose, shallowRef, watch } from 'vue'
import { Failure } from '../api/client'
import { fetchFeature, fetchFeaturesIn } from '../api/layers'
import { collectionId } from '../domain/catalogue'
import type { Position } from '../domain/coordinate'
import type { Feature } from '../domain/feature'
import type { Selection } from './state'
import { LIMIT, windowAround, type Asked } from './tools/pick'
import type { MapStateHandle } from './useMapState'
import type { Shown, ShownLayer } from './useShown'

export interface Hits {
  readonly layer: string
  readonly edition: string | null
  readonly features: readonly Feature[]
  readonly more: boolean
  readonly error: unknown
  /** The map shows areas of one class of it there, not these features. */
  readonly merged: boolean
}

export type Info =
  | { readonly kind: 'none' }
  | { readonly kind: 'loading'; readonly at: Position | null }
  | { readonly kind: 'failed'; readonly error: unknown; readonly again: () => void }
  | { readonly kind: 'answered'; readonly at: Position | null; readonly hits: readonly Hits[] }

export function useFeatureInfo({ state, update }: MapStateHandle, { shown }: Pick<Shown, 'shown'>) {
  const info = shallowRef<Info>({ kind: 'none' })
  const selected = shallowRef<Feature | null>(null)
  /** A selection of the link that the server does not give. */
  const lost = shallowRef<string | null>(null)
  let running = new AbortController()
  let held = ''

  const restart = (): AbortSignal => {
    running.abort()
    running = new AbortController()
    return running.signal
  }

  async function askLayer(
    { choice, layer, collection }: ShownLayer,
    asked: Asked,
    signal: AbortSignal,
  ): Promise<Hits> {
    const own = { layer: choice.layer, edition: choice.edition, merged: asked.merged.has(collection) }
    try {
      const page = await fetchFeaturesIn(collection, windowAround(asked, layer.geometry), LIMIT, signal)
      return { ...own, ...page, error: null }
    } catch (error) {
      return { ...own, features: [], more: false, error }
    }
  }

  async function ask(asked: Asked): Promise<void> {
    const { at } = asked
    const signal = restart()
    info.value = { kind: 'loading', at }
    const answers = await Promise.all(shown.value.map((item) => askLayer(item, asked, signal)))
    if (signal.aborted) return
    const hits = answers.filter((item) => item.features.length || item.merged || item.error !== null)
    const failed = hits.find((item) => item.error !== null)
    if (failed && hits.every((item) => item.error !== null)) {
      info.value = { kind: 'failed', error: failed.error, again: () => void ask(asked) }
      return
    }
    info.value = { kind: 'answered', at, hits }
    const top = hits.find((item) => item.features.length)
    const feature = top?.features[0]
    if (top && feature) select({ layer: top.layer, edition: top.edition, id: feature.id }, feature)
    else clearSelection()
  }

  function select(selection: Selection, feature: Feature): void {
    hold(selection, feature)
    update({ selection }, 'push')
  }

  function hold(selection: Selection | null, feature: Feature | null): void {
    held = selection ? nameOf(selection) : ''
    selected.value = feature
  }

  function clearSelection(): void {
    hold(null, null)
    update({ selection: null }, 'push')
  }

  function clear(): void {
    restart()
    info.value = { kind: 'none' }
    clearSelection()
  }

  async function restore(selection: Selection): Promise<void> {
    const signal = restart()
    info.value = { kind: 'loading', at: null }
    try {
      const feature = await fetchFeature(collectionId(selection.layer, selection.edition), selection.id, signal)
      if (signal.aborted) return
      hold(selection, feature)
      const { layer, edition } = selection
      info.value = {
        kind: 'answered',
        at: null,
        hits: [{ layer, edition, features: [feature], more: false, error: null, merged: false }],
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof Failure && error.reason.kind === 'problem' && error.reason.status === 404) {
        lost.value = selection.id
        info.value = { kind: 'none' }
        update({ selection: null }, 'replace')
      } else info.value = { kind: 'failed', error, again: () => void restore(selection) }
    }
  }

  // Follows the link: a reload, Back and Forward bring their own selection along.
  watch(
    () => state.value.selection,
    (selection) => {
      if (selection === null) hold(null, null)
      else if (held !== nameOf(selection)) void restore(selection)
    },
    { immediate: true },
  )
  onScopeDispose(() => running.abort())

  return { info, selected, lost, ask, select, clear }
}

const nameOf = ({ layer, edition, id }: Selection): string => `${collectionId(layer, edition)}/${id}`

export type FeatureInfo = ReturnType<typeof useFeatureInfo>
