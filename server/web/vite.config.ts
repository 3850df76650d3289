import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import vue from '@vitejs/plugin-vue'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const COMPRESSIBLE = /\.(js|css|html|svg|json)$/

/** Writes `.br` and `.gz` beside each text file, so that the server only chooses. */
function precompress(): Plugin {
  let folder = ''
  return {
    name: 'precompress',
    apply: 'build',
    configResolved: (config) => {
      folder = config.build.outDir
    },
    closeBundle() {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name)
        if (!entry.isFile() || !COMPRESSIBLE.test(entry.name)) continue
        const bytes = readFileSync(path)
        const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }
        writeFileSync(`${path}.br`, brotliCompressSync(bytes, quality))
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }))
      }
    },
  }
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const server = process.env['ONEMAP_SERVER'] ?? 'http://127.0.0.1:8080'

export default defineConfig({
  base: '/app/',
  plugins: [vue({ features: { optionsAPI: false } }), precompress()],
  resolve: {
    alias: {
      // The package exports only its index, which would bring `apply` and its public font host along.
      'ol-mapbox-style/stylefunction': here('node_modules/ol-mapbox-style/src/stylefunction.js'),
    },
  },
  build: {
    target: 'chrome90',
    cssTarget: 'chrome90',
    outDir: here('dist'),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    manifest: true,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700, // the map page; `npm run budget` holds what is sent
  },
  server: {
    host: '127.0.0.1',
    proxy: { '^/(?!app(/|$)|@|src/|node_modules/)': { target: server, changeOrigin: false } },
  },
  test: { environment: 'happy-dom', include: ['src/**/*.test.ts'] },
})
