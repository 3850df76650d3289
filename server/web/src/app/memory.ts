/** Small preferences of this device (language, theme, panel sizes). Never data, tokens or anything of a person. */

const PREFIX = 'onemap.'

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name)
  } catch {
    return null // storage is blocked: the defaults serve
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value)
  } catch {
    // storage is blocked or full: the preference lasts as long as the page
  }
}
