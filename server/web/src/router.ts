/** The one route table: one lazy import per page. */

import { createRouter, createWebHistory, type Router } from 'vue-router'
import { partLoaded, partMissing } from './app/update'

export function createAppRouter(): Router {
  const router = createRouter({
    history: createWebHistory('/app/'),
    routes: [
      { path: '/', redirect: '/map' },
      { path: '/map', name: 'map', component: () => import('./pages/map/MapPage.vue') },
      { path: '/:rest(.*)*', name: 'missing', component: () => import('./pages/missing/MissingPage.vue') },
    ],
  })
  router.onError((error: unknown) => {
    if (error instanceof TypeError && /import|module|fetch/i.test(error.message)) partMissing()
  })
  router.afterEach(partLoaded)
  return router
}
