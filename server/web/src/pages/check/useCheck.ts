/** One kept check and what of it is looked at: the address says which parcel, which rule, which filter. */

import { useQuery } from '@tanstack/vue-query'
import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { fetchCheck } from '../../api/checks'
import type { CheckParcel, RuleFinding } from '../../domain/check'
import { matching, ordered, readFilter, writeFilter, type ParcelFilter, type ParcelOrder } from '../../domain/checkTable'
import { titleOf } from './words'

const ORDERS: readonly ParcelOrder[] = ['number', 'overall', 'area']

export function useCheck(hash: ComputedRef<string>) {
  const route = useRoute()
  const router = useRouter()
  const query = useQuery({
    queryKey: ['check', hash],
    queryFn: ({ signal }) => fetchCheck(hash.value, signal),
    staleTime: Infinity, // what was checked never changes
    gcTime: 5 * 60_000,
  })
  const check = computed(() => query.data.value ?? null)
  const filter = computed(() => readFilter(route.query))
  const order = computed<ParcelOrder>(() => ORDERS.find((known) => known === route.query['order']) ?? 'number')
  const parcels = computed(() => ordered(matching(check.value?.parcels ?? [], filter.value), order.value))
  const parcel = computed<CheckParcel | null>(() => {
    const all = check.value?.parcels ?? []
    return all.find(({ number }) => String(number) === route.query['parcel']) ?? parcels.value[0] ?? all[0] ?? null
  })
  const rule = computed<RuleFinding | null>(
    () => parcel.value?.rules().find(({ rule: id }) => id === route.query['rule']) ?? null,
  )
  /** What ids of layers, attributes and documents are called. */
  const titles = computed(
    () =>
      new Map<string, string>([
        ...(check.value?.names ?? []),
        ...(check.value?.layers ?? []).map(({ binding, title }) => [binding, titleOf(title)] as const),
      ]),
  )

  const write = (part: Readonly<Record<string, string>>): void =>
    void router.replace({
      query: {
        ...(parcel.value && (check.value?.parcels.length ?? 0) > 1 && { parcel: String(parcel.value.number) }),
        ...(rule.value && { rule: rule.value.rule }),
        ...(order.value !== 'number' && { order: order.value }),
        ...writeFilter(filter.value),
        ...part,
      },
    })

  return {
    query,
    check,
    filter,
    order,
    parcels,
    parcel,
    rule,
    titles,
    showParcel: (number: number): void => write({ parcel: String(number) }),
    showRule: (id: string): void => write({ rule: id }),
    /** What is shown is chosen anew; the parcel is the first of them. */
    setFilter: (next: ParcelFilter, by: ParcelOrder = order.value): void => {
      const shown = next.rule ?? rule.value?.rule
      void router.replace({ query: { ...(shown && { rule: shown }), ...(by !== 'number' && { order: by }), ...writeFilter(next) } })
    },
  }
}

export type CheckHandle = ReturnType<typeof useCheck>
