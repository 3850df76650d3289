import { describe, expect, it } from 'vitest'
import { outputsOf, readJob, readJobs, readOwner } from './jobs'

describe('a job', () => {
  it('is read without inventing anything', () => {
    expect(readJob({ jobID: 'x', status: 'sleeping' })).toMatchObject({
      id: 'x',
      status: null,
      progress: null,
      started: null,
      expires: null,
      steps: [],
      callbacks: [],
      errors: [],
      provenance: null,
    })
  })

  it('has its steps, notices, end of keeping and provenance', () => {
    const job = readJob({
      jobID: 'x',
      status: 'running',
      expires: '2026-12-27T00:00:00Z',
      steps: [{ pointer: '/inputs/left', process: 'p', status: 'running', progress: 5 }],
      'x-onemap': { callbacks: [{ id: 'c', event: 'failed', state: 'sent', uri: 'https://a.cn', attempts: 2 }] },
      links: [{ rel: 'http://www.w3.org/ns/prov#has_provenance', href: 'https://x.cn/jobs/x/prov' }],
    })
    expect(job.steps).toEqual([{ pointer: '/inputs/left', process: 'p', status: 'running', progress: 5 }])
    expect(job.callbacks[0]).toMatchObject({ event: 'failed', attempts: 2, problem: null })
    expect(job).toMatchObject({ expires: '2026-12-27T00:00:00Z', provenance: 'https://x.cn/jobs/x/prov' })
  })

  it('never links to anything but the web', () => {
    const links = [{ rel: 'http://www.w3.org/ns/prov#has_provenance', href: 'javascript:alert(1)' }]
    expect(readJob({ links }).provenance).toBeNull()
  })
})

describe('the job list', () => {
  it('knows where its next page begins', () => {
    expect(readJobs({ jobs: [], links: [{ rel: 'next', href: 'http://h/jobs?limit=2&cursor=abc' }] }).cursor).toBe('abc')
    expect(readJobs({ jobs: [{ jobID: 'x' }], links: [] })).toMatchObject({ jobs: [{ id: 'x' }], cursor: null })
  })
})

describe('results', () => {
  it('are told by output in a document, objects without what qualifies them', () => {
    expect(outputsOf({ a: { value: { b: 1 }, mediaType: 'application/json' }, c: 2 }, ['a', 'c', 'd'])).toEqual([
      { name: 'a', value: { b: 1 } },
      { name: 'c', value: 2 },
    ])
  })

  it('are one value as it is where they are none', () => {
    expect(outputsOf({ type: 'FeatureCollection' }, ['features', 'report'])).toEqual([
      { name: null, value: { type: 'FeatureCollection' } },
    ])
    expect(outputsOf('text', ['text'])).toEqual([{ name: 'text', value: 'text' }])
  })
})

describe('the owner of a job', () => {
  it('is the person and the organisation that its provenance names, or nobody', () => {
    const typed = (name: string) => ({ $: name, type: 'prov:QUALIFIED_NAME' })
    const agent = {
      a: { 'prov:type': typed('prov:SoftwareAgent'), 'om:name': 's' },
      b: { 'prov:type': typed('prov:Person'), 'om:name': '张工' },
      c: { 'prov:type': 'prov:Organization', 'om:name': '规划局' },
    }
    expect(readOwner({ agent })).toEqual({ person: '张工', organisation: '规划局' })
    expect(readOwner({ agent: { a: agent.a } })).toBeNull()
    expect(readOwner(null)).toBeNull()
  })
})
