import './floor'
import './styles/tokens.css'
import './styles/base.css'
import './styles/print.css'
import { VueQueryPlugin } from '@tanstack/vue-query'
import { createApp } from 'vue'
import { startLanguage } from './app/i18n/words'
import { queryClient } from './app/queries'
import Shell from './app/Shell.vue'
import { startTheme } from './app/theme'
import { createAppRouter } from './router'

startTheme()
void startLanguage().finally(() => {
  createApp(Shell).use(createAppRouter()).use(VueQueryPlugin, { queryClient }).mount('#app')
})
