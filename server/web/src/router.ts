/** The one route table: one lazy import per page. */

import { createRouter, createWebHistory, type Router } from 'vue-router'
import { partLoaded, partMissing } from './app/update'

export function createAppRouter(): Router {
  const router = createRouter({
    history: createWebHistory('/app/'),
    routes: [
      { path: '/', redirect: '/map' },
      { path: '/map', name: 'map', component: () => import('./pages/map/MapPage.vue') },
      {
        path: '/processes/:processId?',
        name: 'processes',
        component: () => import('./pages/processes/ProcessesPage.vue'),
      },
      { path: '/check/:hash?', name: 'check', component: () => import('./pages/check/CheckPage.vue') },
      { path: '/jobs', name: 'jobs', component: () => import('./pages/jobs/JobsPage.vue') },
      { path: '/jobs/:job', name: 'job', component: () => import('./pages/jobs/JobPage.vue') },
      { path: '/:rest(.*)*', name: 'missing', component: () => import('./pages/missing/MissingPage.vue') },
    ],
  })
  router.onError((error: unknown) => {
    if (error instanceof TypeError && /import|module|fetch/i.test(error.message)) partMissing()
  })
  router.afterEach(partLoaded)
  return router
}
