// Holds the build against the budgets of the application (gzip, kilobytes of 1024 bytes), from Vite's manifest.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const KB = 1024
const dist = fileURLToPath(new URL('dist/', import.meta.url))
if (!existsSync(`${dist}.vite/manifest.json`)) {
  console.error('budget: nothing is built; run `npm run build` first')
  process.exit(2)
}
const manifest = JSON.parse(readFileSync(`${dist}.vite/manifest.json`, 'utf8'))

/** The parts that loading *name* brings along at once, itself included. */
function closure(name, seen = new Set()) {
  if (seen.has(name)) return seen
  seen.add(name)
  for (const next of manifest[name].imports ?? []) closure(next, seen)
  return seen
}

const zipped = (file) => readFileSync(`${dist}${file}.gz`).length / KB
const files = (names) => new Set([...names].flatMap((name) => [manifest[name].file, ...(manifest[name].css ?? [])]))
const size = (names) => [...files(names)].reduce((sum, file) => sum + zipped(file), 0)

const entry = Object.keys(manifest).find((name) => manifest[name].isEntry)
const pages = Object.keys(manifest).filter((name) => /^src\/pages\/.*Page\.vue$/.test(name))
const [map] = pages.filter((name) => name.endsWith('/MapPage.vue'))
if (!entry || !map) throw new Error('the manifest has no entry or no map page')
const shared = closure(entry)
const own = (page) => [...closure(page)].filter((name) => !shared.has(name))

const rows = [
  ['first load of /app/map', size(closure(map, new Set(shared))), 350],
  ['entry shared by all pages', size(shared), 80],
  ...pages.filter((page) => page !== map).map((page) => [`own part of ${page}`, size(own(page)), 60]),
]
for (const [what, is, limit] of rows)
  console.log(`${is <= limit ? 'ok  ' : 'OVER'} ${what}: ${is.toFixed(1)} KB of ${limit}`)
process.exitCode = rows.some(([, is, limit]) => is > limit) ? 1 : 0
