/** The systems of the map as OpenLayers knows them: degrees of CGCS2000 and its 3-degree zones, from formulas alone. */

import {
  addEquivalentProjections,
  addEquivalentTransforms,
  addProjection,
  get,
  transform,
  transformExtent,
} from 'ol/proj.js'
import { fromEPSG4326, toEPSG4326 } from 'ol/proj/epsg3857.js'
import Projection from 'ol/proj/Projection.js'
import TileGrid from 'ol/tilegrid/TileGrid.js'
import type { Bounds } from '../domain/catalogue'
import { RADIANS, SEMI_MAJOR_M } from '../domain/ellipsoid'
import { toDegrees, toPlane, type Pair } from '../domain/gaussKruger'
import type { Zone } from '../domain/zone'
import { DEGREES, TILE_PX, zeroResolution, type MapSystem } from './systems'

const WORLD = [-180, -90, 180, 90]
const WGS84 = 'EPSG:4326'
const WEB_MERCATOR = 'EPSG:3857'
/** What a zone may show: twenty degrees to both sides of its meridian, from the equator to 60 degrees. */
const ZONE_REACH_M = 2_230_000
const ZONE_NORTH_M = 6_700_000
const DEEPEST_ZOOM = 24

export const projectionName = ({ code }: MapSystem): string => `EPSG:${code}`

/** Makes *system* known to OpenLayers; again and again without effect. */
export function register(system: MapSystem): void {
  if (!get(projectionName(DEGREES))) registerDegrees()
  if (system.zone && !get(projectionName(system))) registerZone(system, system.zone)
}

/** The tiles that a view in a zone is painted in, of the zooms it has at *latitude*: ours fit them one to one. */
export function alignTiles(system: MapSystem, latitude: number): void {
  const projection = get(projectionName(system))
  if (!system.zone || !projection) return
  const [west, , , north] = extentOf(system)
  // By a hair smaller than the tiles' own: equal ones would be rounded to either side.
  const zero = zeroResolution(system, latitude) * (1 - 1e-9)
  const resolutions = Array.from({ length: DEEPEST_ZOOM + 1 }, (_, zoom) => zero / 2 ** zoom)
  projection.setDefaultTileGrid(new TileGrid({ origin: [west, north], resolutions, tileSize: TILE_PX }))
}

/** What a view of *system* may show. */
export function extentOf(system: MapSystem): [number, number, number, number] {
  const [west = 0, south = 0, east = 0, north = 0] = get(projectionName(system))?.getExtent() ?? []
  return [west, south, east, north]
}

/** A point of one system in another. */
export function placeIn(place: Pair, from: MapSystem, to: MapSystem): Pair {
  const [x = 0, y = 0] = transform([...place], projectionName(from), projectionName(to))
  return [x, y]
}

/** *box* of one system in another: what contains it. */
export function boxIn(box: Bounds, from: MapSystem, to: MapSystem): Bounds {
  const [west = 0, south = 0, east = 0, north = 0] = transformExtent(
    [...box],
    projectionName(from),
    projectionName(to),
    8,
  )
  return [west, south, east, north]
}

function registerDegrees(): void {
  const degrees = new Projection({
    code: projectionName(DEGREES),
    units: 'degrees',
    axisOrientation: 'neu',
    extent: WORLD,
    worldExtent: WORLD,
    global: true,
    metersPerUnit: RADIANS * SEMI_MAJOR_M,
  })
  // WGS 84 and CGCS2000 differ by a tenth of a millimetre in their ellipsoids: maps take one for the other.
  const [wgs84, mercator] = [get(WGS84), get(WEB_MERCATOR)]
  if (!wgs84 || !mercator) return
  addEquivalentProjections([wgs84, degrees])
  addEquivalentTransforms([degrees], [mercator], fromEPSG4326, toEPSG4326)
}

function registerZone(system: MapSystem, { meridian, falseEasting }: Zone): void {
  const plane = new Projection({
    code: projectionName(system),
    units: 'm',
    axisOrientation: 'neu',
    extent: [falseEasting - ZONE_REACH_M, 0, falseEasting + ZONE_REACH_M, ZONE_NORTH_M],
  })
  addProjection(plane)
  const degrees = [WGS84, projectionName(DEGREES)].flatMap((name) => get(name) ?? [])
  addEquivalentTransforms(
    degrees,
    [plane],
    eachPair((longitude, latitude) => {
      const [east, north] = toPlane(longitude, latitude, meridian)
      return [east + falseEasting, north]
    }),
    eachPair((x, y) => toDegrees(x - falseEasting, y, meridian)),
  )
}

/** A function of pairs over a flat list of them, as OpenLayers transforms. */
function eachPair(move: (x: number, y: number) => Pair) {
  return (input: number[], output: number[] = input.slice(), dimension = 2, stride = dimension): number[] => {
    for (let i = 0; i < input.length; i += stride) {
      const [x, y] = move(input[i] ?? NaN, input[i + 1] ?? NaN)
      output[i] = x
      output[i + 1] = y
    }
    return output
  }
}
