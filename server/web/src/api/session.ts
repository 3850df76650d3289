/** Who the server says is asking. The token against forged requests stays in memory. */

import { deleteSession, getSession, postSession } from './client'
import { list, ofSession, text } from './read'

export interface SignedIn {
  readonly authenticated: true
  readonly person: string
  readonly organisation: string
  readonly role: string
  readonly functions: readonly string[] | 'all'
  readonly csrf: string
}

export type Session = SignedIn | { readonly authenticated: false }

export const ANONYMOUS: Session = { authenticated: false }

export const fetchSession = async (): Promise<Session> => readSession(await getSession())
export const signIn = async (key: string): Promise<Session> => readSession(await postSession(key))

export async function signOut(session: SignedIn): Promise<void> {
  await deleteSession(session.csrf)
}

export function readSession(json: unknown): Session {
  if (ofSession(json, 'authenticated') !== true) return ANONYMOUS
  const functions = ofSession(json, 'functions')
  return {
    authenticated: true,
    person: text(ofSession(json, 'person')),
    organisation: text(ofSession(json, 'organisation')),
    role: text(ofSession(json, 'role')),
    functions: functions === 'all' ? functions : list(functions).map(text),
    csrf: text(ofSession(json, 'csrf')),
  }
}
