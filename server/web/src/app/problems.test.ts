import { describe, expect, it } from 'vitest'
import { Failure, readProblem } from '../api/client'
import { en } from './i18n/en'
import { zh } from './i18n/zh'
import { tell } from './problems'

const answer = (status: number, json: unknown) =>
  new Failure(readProblem(json, new Response(null, { status, headers: { 'X-Request-Id': 'abc-1' } })))

describe('failures told to people', () => {
  it('are sentences in their language, with what to do, the detail and the request id', () => {
    const failure = answer(400, { code: 'InvalidParameterValue', detail: 'bbox: 4 numbers' })
    expect(tell(failure, zh)).toEqual({
      title: '请求参数不正确',
      advice: '请检查链接或输入后重试。',
      detail: 'bbox: 4 numbers',
      requestId: 'abc-1',
    })
    expect(tell(failure, en).title).toBe('A request parameter is wrong')
  })

  it('fall back to the status, then to a general sentence', () => {
    expect(tell(answer(429, {}), zh).title).toBe('请求过于频繁')
    expect(tell(answer(418, null), zh).title).toContain('418')
  })

  it('say when there is no server', () => {
    expect(tell(new Failure({ kind: 'unreachable' }), zh)).toMatchObject({ title: '无法连接服务器', requestId: null })
  })

  it('keep the pointers of a rejected body', () => {
    const problem = readProblem(
      { errors: [{ pointer: '/key', detail: 'required' }] },
      new Response(null, { status: 400 }),
    )
    expect(problem.errors).toEqual([{ pointer: '/key', detail: 'required' }])
  })
})
