/**
 * Unsent work of this device, by person, in IndexedDB: kept until it is sent or its person signs out. Where storage is
 * blocked the work lasts as long as the page.
 */

const DATABASE = 'onemap.drafts'
const STORE = 'drafts'

interface Kept {
  readonly person: string
  readonly value: unknown
}

/** What *person* left under *name*; null where there is nothing. */
export async function recallDraft(person: string, name: string): Promise<unknown> {
  const kept = (await inStore('readonly', (store) => store.get(name))) as Kept | undefined
  return kept?.person === person ? kept.value : null
}

export async function keepDraft(person: string, name: string, value: unknown): Promise<void> {
  // By way of text: what is reactive or frozen does not clone.
  await inStore('readwrite', (store) => store.put({ person, value: JSON.parse(JSON.stringify(value)) as unknown }, name))
}

export async function dropDraft(name: string): Promise<void> {
  await inStore('readwrite', (store) => store.delete(name))
}

export async function forgetDrafts(): Promise<void> {
  await inStore('readwrite', (store) => store.clear())
}

async function inStore(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest): Promise<unknown> {
  try {
    const database = await opened()
    try {
      return await settled(ask(database.transaction(STORE, mode).objectStore(STORE)))
    } finally {
      database.close()
    }
  } catch {
    return undefined // storage is blocked or full
  }
}

function opened(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1)
  request.onupgradeneeded = () => request.result.createObjectStore(STORE)
  return settled(request)
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('storage'))
  })
}
