/** Chinese words about the jobs that run. */
export const zh = {
  jobs: '任务',
  running: (count: string) => `任务，${count} 个未结束`,
}
