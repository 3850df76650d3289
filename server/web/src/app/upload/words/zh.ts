/** Chinese words of sending one file. */
export const zh = {
  sending: (name: string) => `正在上传 ${name}`,
  done: (name: string) => `已上传 ${name}`,
  cancel: '取消上传',
  remove: '移除文件',
  expires: (date: string) => `服务器保留至 ${date}`,
}
