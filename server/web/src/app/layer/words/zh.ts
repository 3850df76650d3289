/** Chinese words of choosing features of a layer. */
export const zh = {
  choice: '请选择',
  layer: '图层',
  edition: '版次',
  current: '现行版次',
  filter: '筛选条件（CQL2）',
  filterHint: '例如：字段 = \'值\' AND 字段 > 10；留空为全部要素。',
  fields: '可用的字段',
  asOf: '按哪一日记录的内容',
  asOfHint: '留空为最新。',
  loading: '正在读取图层',
  none: '没有适合的图层。',
  other: '链接所指的图层',
}
