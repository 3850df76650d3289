/** After an update of the server the page's lazy parts are gone: load the new page once, then say so. */

import { shallowRef } from 'vue'

const MARK = 'onemap.reloaded'

export const outdated = shallowRef(false)

/** Called when a lazy part could not be loaded. */
export function partMissing(): void {
  if (sessionStorage.getItem(MARK) === null) {
    sessionStorage.setItem(MARK, '1')
    location.reload()
  } else outdated.value = true
}

/** Called when a page has loaded: the next update may reload again. */
export function partLoaded(): void {
  sessionStorage.removeItem(MARK)
}
