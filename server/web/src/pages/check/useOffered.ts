/** The processes behind this page, found by their keywords: an instance may call its own entries as it likes. */

import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { fetchProcess, fetchProcesses } from '../../api/processes'
import { fetchQuestions } from '../../api/rulesets'
import { language } from '../../app/i18n/words'

const CHECK = 'compliance'
const SURVEY = 'survey'

export function useOffered() {
  const listed = useQuery({ queryKey: ['processes', language], queryFn: () => fetchProcesses(language.value) })
  const withKeyword = (keyword: string): string | null =>
    listed.data.value?.processes.find(({ keywords }) => keywords.includes(keyword))?.id ?? null
  const check = computed(() => withKeyword(CHECK))
  const survey = computed(() => withKeyword(SURVEY))
  const described = useQuery({
    queryKey: computed(() => ['questions', check.value ?? '', language.value] as const),
    // What is asked is told by the key: while everything is read anew, no process is known for a moment.
    queryFn: async ({ queryKey: [, id, lang], signal }) => fetchQuestions(await fetchProcess(id, lang), lang, signal),
    enabled: () => check.value !== null,
  })
  return {
    check,
    survey,
    questions: computed(() => described.data.value),
    known: computed(() => listed.isSuccess.value && (check.value === null || described.isSuccess.value)),
    error: computed(() => listed.error.value ?? described.error.value),
    retry: (): void => {
      void listed.refetch()
      if (check.value !== null) void described.refetch()
    },
  }
}
