/** Functions that the oldest supported browser (Chrome 90) lacks and the libraries call. Imported first. */

function at<T>(this: ArrayLike<T>, index: number): T | undefined {
  const whole = Math.trunc(index) || 0
  return this[whole < 0 ? this.length + whole : whole]
}

function define(target: object, name: string, value: unknown): void {
  if (!(name in target)) Object.defineProperty(target, name, { value, writable: true, configurable: true })
}

define(Array.prototype, 'at', at)
define(String.prototype, 'at', at)
define(Object.getPrototypeOf(Int8Array.prototype) as object, 'at', at)
define(Object, 'hasOwn', (target: object, key: PropertyKey) => Object.prototype.hasOwnProperty.call(target, key))
