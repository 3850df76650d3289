/** What can be run, and running it: every run is a job. */

import {
  COLLECTION_TYPE,
  featureForms,
  type Process,
  type ProcessInput,
  type ProcessOutput,
  type ProcessSummary,
} from '../domain/process'
import { answered, body, client, type Language } from './client'
import { list, memberOf, ofLink, record, text } from './read'
import type { components } from './schema'

type Schemas = components['schemas']

const ofProcesses = memberOf<Schemas['Processes']>()
const ofSummary = memberOf<Schemas['ProcessSummary']>()
const ofProcess = memberOf<{ inputs: unknown; outputs: unknown; 'x-onemap': unknown }>()
const ofInput = memberOf<Schemas['InputDescription']>()
const ofOutput = memberOf<Schemas['OutputDescription']>()
const ofStatus = memberOf<Schemas['StatusInfo']>()
const MOST = 1_000

export interface ProcessesPage {
  readonly processes: readonly ProcessSummary[]
  readonly more: boolean
}

export async function fetchProcesses(lang: Language): Promise<ProcessesPage> {
  const json = await body(client.GET('/processes', { params: { query: { lang, limit: MOST } } }))
  return {
    processes: list(ofProcesses(json, 'processes')).map(readSummary),
    more: list(ofProcesses(json, 'links')).some((link) => ofLink(link, 'rel') === 'next'),
  }
}

export const fetchProcess = async (processId: string, lang: Language): Promise<Process> =>
  readProcess(await body(client.GET('/processes/{processId}', { params: { path: { processId }, query: { lang } } })))

/** Runs it; the id of the job, which the server may also have done at once. */
export async function execute(processId: string, request: unknown, csrf: string | null): Promise<string> {
  const { data, response } = await answered(
    client.POST('/processes/{processId}/execution', {
      params: {
        path: { processId },
        header: { Prefer: 'respond-async', ...(csrf !== null && { 'X-CSRF-Token': csrf }) },
      },
      // Made from the description of this very process: which of them the contract's union cannot say.
      body: request as never,
    }),
  )
  const monitor = /\/jobs\/([\w-]+)>;\s*rel="monitor"/.exec(response.headers.get('Link') ?? '')
  return response.status === 201 ? text(ofStatus(data, 'jobID')) : (monitor?.[1] ?? '')
}

export const executionAddress = (processId: string): string =>
  `${location.origin}/processes/${encodeURIComponent(processId)}/execution`
export const describedAddress = (processId: string, lang: Language): string =>
  `/processes/${encodeURIComponent(processId)}?f=html&lang=${lang}`

export function readProcess(json: unknown): Process {
  return {
    ...readSummary(json),
    inputs: Object.entries(record(ofProcess(json, 'inputs'))).map(([name, input]) => readInput(name, input)),
    outputs: Object.entries(record(ofProcess(json, 'outputs'))).map(([name, output]) => readOutput(name, output)),
    example: exampleIn(ofProcess(json, 'x-onemap')),
  }
}

function readSummary(json: unknown): ProcessSummary {
  const id = text(ofSummary(json, 'id'))
  return {
    id,
    title: text(ofSummary(json, 'title')) || id,
    description: text(ofSummary(json, 'description')),
    keywords: list(ofSummary(json, 'keywords')).map(text),
    version: text(ofSummary(json, 'version')),
  }
}

function readInput(name: string, json: unknown): ProcessInput {
  return {
    name,
    title: text(ofInput(json, 'title')) || name,
    description: text(ofInput(json, 'description')),
    required: ofInput(json, 'minOccurs') !== 0,
    schema: record(ofInput(json, 'schema')),
  }
}

function readOutput(name: string, json: unknown): ProcessOutput {
  return {
    name,
    title: text(ofOutput(json, 'title')) || name,
    description: text(ofOutput(json, 'description')),
    layered: JSON.stringify(json).includes(COLLECTION_TYPE) || !!featureForms(record(ofOutput(json, 'schema')))?.collection,
  }
}

function exampleIn(facts: unknown): Readonly<Record<string, unknown>> | null {
  const inputs = record(record(facts)['example'])['inputs']
  return inputs === undefined ? null : record(inputs)
}
