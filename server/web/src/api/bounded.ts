/** Answers of any size: read as far as a page can hold them. What is counted is what arrives, whatever it was packed as. */

interface Taken {
  readonly text: string
  /** Whether it has ended there. */
  readonly isWhole: boolean
}

/** The text of an answer; null where it has more than *most* bytes. */
export async function readBounded(answer: Response, most: number): Promise<string | null> {
  const isPlain = !answer.headers.get('Content-Encoding')
  if (isPlain && Number(answer.headers.get('Content-Length')) > most) {
    await answer.body?.cancel()
    return null
  }
  const { text, isWhole } = await take(answer, most)
  return isWhole ? text : null
}

/** How an answer begins; the rest is not fetched. */
export const readHead = async (answer: Response, most: number): Promise<string> => (await take(answer, most)).text

async function take(answer: Response, most: number): Promise<Taken> {
  const reader = answer.body?.getReader()
  const decoder = new TextDecoder()
  const parts: string[] = []
  let size = 0
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    parts.push(decoder.decode(part.value, { stream: true }))
    size += part.value.length
    if (size > most) {
      await reader?.cancel()
      return { text: parts.join(''), isWhole: false }
    }
  }
  return { text: parts.join('') + decoder.decode(), isWhole: true }
}
