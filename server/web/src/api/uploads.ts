/** Files of one's own for inputs of processes: sent as they are, read by the server. */

import type { Upload } from '../domain/processDraft'
import { body, client } from './client'
import { memberOf, numberOrNull, text } from './read'
import type { components } from './schema'

const ofUpload = memberOf<components['schemas']['Upload']>()
const ANY_BYTES = 'application/octet-stream'

export async function uploadFile(file: File, csrf: string | null, signal: AbortSignal): Promise<Upload> {
  const json = await body(
    client.POST('/files', {
      params: {
        query: { name: file.name },
        ...(csrf !== null && { header: { 'X-CSRF-Token': csrf } }),
      },
      headers: { 'Content-Type': file.type || ANY_BYTES },
      body: file as never,
      bodySerializer: (bytes: unknown) => bytes as Blob,
      signal,
    }),
  )
  return {
    href: text(ofUpload(json, 'href')),
    name: text(ofUpload(json, 'name')),
    bytes: numberOrNull(ofUpload(json, 'bytes')) ?? 0,
    expires: text(ofUpload(json, 'expires')),
  }
}
