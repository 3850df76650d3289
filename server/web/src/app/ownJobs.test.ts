import { beforeEach, describe, expect, it } from 'vitest'
import { forgetJob, keepJob, ownJobs } from './ownJobs'

describe('the jobs of this browser', () => {
  beforeEach(() => ownJobs.value.forEach(forgetJob))

  it('are the newest fifty, each once', () => {
    for (let index = 0; index < 60; index += 1) keepJob(`j${index}`)
    keepJob('j20')
    expect(ownJobs.value).toHaveLength(50)
    expect(ownJobs.value[0]).toBe('j59')
    expect(ownJobs.value.filter((id) => id === 'j20')).toHaveLength(1)
  })

  it('are remembered on this device until they are forgotten', () => {
    keepJob('a')
    keepJob('b')
    expect(localStorage.getItem('onemap.jobs')).toBe('b a')
    forgetJob('b')
    expect(localStorage.getItem('onemap.jobs')).toBe('a')
  })

  it('follow what another window does, and take nothing that is no id', () => {
    localStorage.setItem('onemap.jobs', 'x <b> y')
    dispatchEvent(new StorageEvent('storage', { key: 'onemap.jobs' }))
    expect(ownJobs.value).toEqual(['x', 'y'])
  })
})
