/** Chinese words of drawing by hand. */
export const zh = {
  shape: { label: '图形类型', Point: '点', LineString: '线', Polygon: '面' },
  draw: {
    map: '绘图地图。点击加点，双击结束。不用鼠标时，请改用“粘贴或输入”填写坐标。',
    hint: '点击加点，双击结束；拖动顶点可修改，Esc 放弃当前图形。',
    undo: '撤销上一点',
    finish: '完成图形',
    remove: (shape: string) => `删除${shape}`,
    find: (shape: string) => `定位到${shape}`,
    clear: '全部删除',
    none: '还没有图形。',
    drawn: '已绘制的图形',
    beneath: '参照图层',
    described: (shape: string, points: number) => `${shape}：${points} 个点`,
    count: (count: number) => `已绘制 ${count} 个图形`,
  },
}
