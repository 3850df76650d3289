/** One function of the package, imported by path (see the alias in vite.config.ts). */
declare module 'ol-mapbox-style/stylefunction' {
  export { stylefunction } from 'ol-mapbox-style'
}
