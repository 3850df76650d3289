import { equivalent, get, transform } from 'ol/proj.js'
import VectorTileSource from 'ol/source/VectorTile.js'
import { describe, expect, it } from 'vitest'
import { tileGrid, zoomsIn } from './grids'
import { alignTiles, boxIn, projectionName, register } from './projections'
import { DEGREES, MERCATOR, systemOf, zeroResolution, type MapSystem } from './systems'

const ZONE = systemOf('4530') as MapSystem
register(DEGREES)
register(ZONE)
register(ZONE)

describe('the projections', () => {
  it('of degrees are those of WGS 84, as the tiles of both are', () => {
    const [one, other] = [get('EPSG:4490'), get('EPSG:4326')]
    expect(one && other && equivalent(one, other)).toBe(true)
    expect(one?.getMetersPerUnit()).toBeCloseTo(111_319.49, 2)
  })

  it('of a zone are those of PROJ, there and back', () => {
    const [y, x] = transform([125.32416, 43.88653], 'EPSG:4490', 'EPSG:4530')
    expect(y).toBeCloseTo(42_445_690.19391, 4)
    expect(x).toBeCloseTo(4_861_436.64323, 4)
    const [longitude, latitude] = transform([y ?? 0, x ?? 0], 'EPSG:4530', 'EPSG:4326')
    expect(longitude).toBeCloseTo(125.32416, 9)
    expect(latitude).toBeCloseTo(43.88653, 9)
  })

  it('turn a box of a view into one of degrees that contains it', () => {
    const [west, south, east, north] = boxIn([42_400_000, 4_800_000, 42_600_000, 4_900_000], ZONE, DEGREES)
    const [, middle] = transform([42_500_000, 4_800_000], 'EPSG:4530', 'EPSG:4490')
    expect(south).toBeLessThanOrEqual(middle ?? 0)
    expect([west < 124.8, east > 127.2, north > 44.2]).toEqual([true, true, true])
  })
})

describe('the tile grids', () => {
  it('have the tiles of the server: CGCS2000Quad from the north-west corner, 512 pixels to the tile', () => {
    const grid = tileGrid('CGCS2000Quad', { min: 1, max: 18 })
    // the same tile as of 256 pixels and 1.40625 / 2^12 degrees
    expect(grid.getTileCoordForCoordAndZ([125.32416, 43.88653], 12)).toEqual([
      12,
      Math.floor((125.32416 + 180) / (360 / 4096)),
      Math.floor((90 - 43.88653) / (360 / 4096)),
    ])
    expect(grid.getTileCoordExtent([1, 0, 0])).toEqual([-180, -90, 0, 90])
    expect(grid.getMinZoom()).toBe(1)
  })

  it('have no more levels than the server', () => {
    expect(zoomsIn('CGCS2000Quad', { min: 0, max: 24 })).toEqual({ min: 1, max: 20 })
    expect(zoomsIn('WebMercatorQuad', { min: 0, max: 18 })).toEqual({ min: 0, max: 18 })
    expect(zoomsIn('CGCS2000Quad', { min: 9, max: 14 })).toEqual({ min: 9, max: 14 })
  })

  it('give a view in a zone the tiles of the same zoom as the other views', () => {
    const latitude = 43.9
    alignTiles(ZONE, latitude)
    const source = new VectorTileSource({
      projection: projectionName(DEGREES),
      tileGrid: tileGrid('CGCS2000Quad', { min: 1, max: 18 }),
    })
    const projection = get(projectionName(ZONE))
    const painted = projection && source.getTileGridForProjection(projection)
    for (let zoom = 6; zoom <= 18; zoom += 1) {
      const resolution = painted?.getResolution(zoom) ?? 0
      expect(resolution).toBeCloseTo(zeroResolution(ZONE, latitude) / 2 ** zoom, 3)
      const inDegrees = resolution / (get(projectionName(DEGREES))?.getMetersPerUnit() ?? 1)
      expect(source.getTileGrid()?.getZForResolution(inDegrees, 1)).toBe(zoom)
    }
    expect(zeroResolution(MERCATOR, latitude) * Math.cos((latitude * Math.PI) / 180)).toBeCloseTo(
      zeroResolution(ZONE, latitude),
      6,
    )
  })
})
