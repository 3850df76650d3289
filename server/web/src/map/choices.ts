/** Which views are offered at a place: degrees, the zones that matter here, Web Mercator. */

import type { Bounds } from '../domain/catalogue'
import type { Position } from '../domain/coordinate'
import { zoneAt, zonesIn, type Zone } from '../domain/zone'
import { DEGREES, MERCATOR, zoneSystem, type MapSystem } from './systems'

/** More zones than a bureau works in are a nation's: then only those of the place itself are offered. */
const MOST_ZONES = 6

/** The zones of the data, the one of *centre*, and what is in use, from the west. */
export function choices(current: MapSystem, centre: Position | null, home: Bounds | null): readonly MapSystem[] {
  const ofData = home ? zonesIn(home) : []
  const here = centre ? zoneAt(centre[0]) : null
  const zones = [...(ofData.length > MOST_ZONES ? [] : ofData), ...(here ? [here] : [])]
  const systems = new Map(zones.map((zone: Zone) => [zone.number, zoneSystem(zone)]))
  if (current.zone) systems.set(current.zone.number, current)
  return [DEGREES, ...[...systems].sort(([one], [other]) => one - other).map(([, system]) => system), MERCATOR]
}
