/** What a surveyor's file holds, told before it is checked. */

import type { Bounds } from '../domain/catalogue'
import type { Survey, SurveyFinding, ZoneOffer } from '../domain/survey'
import { list, memberOf, numberOrNull, record, text, textOrNull } from './read'
import { runToEnd } from './runs'

interface Report {
  readonly format: unknown
  readonly layer: unknown
  readonly crs: unknown
  readonly refusal: unknown
  readonly zones: unknown
  readonly local_frame: unknown
  readonly parcels: unknown
  readonly readable: unknown
  readonly findings: unknown
  readonly findings_left_out: unknown
}

const ofReport = memberOf<Report>()

export const inspect = async (
  processId: string,
  inputs: unknown,
  csrf: string | null,
  signal: AbortSignal,
): Promise<Survey> => {
  const outputs = await runToEnd(processId, { inputs, outputs: { report: {} } }, csrf, signal)
  return readSurvey(outputs['report'] ?? outputs)
}

export const readSurvey = (json: unknown): Survey => ({
  format: text(ofReport(json, 'format')),
  layer: text(ofReport(json, 'layer')),
  crs: textOrNull(ofReport(json, 'crs')),
  refusal: textOrNull(ofReport(json, 'refusal')),
  zones: list(ofReport(json, 'zones')).map(zone),
  isLocalFrame: ofReport(json, 'local_frame') === true,
  parcels: numberOrNull(ofReport(json, 'parcels')) ?? 0,
  readable: numberOrNull(ofReport(json, 'readable')) ?? 0,
  findings: list(ofReport(json, 'findings')).map(finding),
  leftOut: numberOrNull(ofReport(json, 'findings_left_out')) ?? 0,
})

function zone(json: unknown): ZoneOffer {
  const said = record(json)
  const region = record(said['region'])
  const name = text(region['zh']) || text(region['code'])
  return {
    crs: text(said['crs']),
    name: text(said['name']),
    zone: numberOrNull(said['zone']),
    meridian: numberOrNull(said['meridian_deg']),
    bounds: bounds(said['bbox']),
    outline: said['outline'] ?? null,
    region: name ? { zh: name, en: text(region['en']) || name } : null,
    swapped: said['swapped'] === true,
  }
}

function finding(json: unknown): SurveyFinding {
  const said = record(json)
  return {
    fault: text(said['fault']),
    isError: said['severity'] === 'error',
    parcel: numberOrNull(said['parcel']),
    ring: numberOrNull(said['ring']),
    point: textOrNull(said['point']),
    line: numberOrNull(said['line']),
    message: { zh: text(record(said['message'])['zh']), en: text(record(said['message'])['en']) },
  }
}

function bounds(value: unknown): Bounds | null {
  const [west, south, east, north] = list(value)
  const all = [west, south, east, north]
  return all.every((one) => typeof one === 'number') ? (all as unknown as Bounds) : null
}
