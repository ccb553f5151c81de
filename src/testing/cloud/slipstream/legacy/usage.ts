import type { Exchange } from '../../service.js'
import type { Caller } from '../tools.js'
import { conflict, forbidden, wrongMethod } from './failure.js'
import { legacyDate } from './dates.js'
import type { Machine } from './machines.js'
import { sendDocument } from './representation.js'
import { readPage } from './requests.js'
import { isFinal, isGone } from './run-model.js'
import type { LegacyState } from './state.js'
import { element, type XmlElement } from './xml-writer.js'

/** Refuses what would be more than the quota of a cloud (slipstream dossier 4.3). */
export function checkQuota(state: LegacyState, user: string, requested: ReadonlyMap<string, number>): void {
  const current = new Map<string, number>()
  for (const run of state.runs.all()) {
    if (run.owner !== user || isFinal(run.state)) continue
    for (const instance of run.instances.values()) {
      if (instance.kind === 'orchestrator') continue
      // Only nodes of applications lose instances: the others need not be looked up.
      if (instance.kind === 'node' && isGone(run, instance)) continue
      current.set(instance.cloud, (current.get(instance.cloud) ?? 0) + 1)
    }
  }
  for (const [cloud, wanted] of requested) {
    const quota = state.options.quotas.get(cloud) ?? Infinity
    const used = current.get(cloud) ?? 0
    if (used + wanted > quota) {
      throw conflict(`Quota '${cloud}' exceeded (quota=${quota}, current=${used}, requested=${wanted})`)
    }
  }
}

/** `GET /vms`: newest measurement first (slipstream dossier 4.5). */
export function virtualMachines(exchange: Exchange, caller: Caller, state: LegacyState): void {
  if (exchange.method !== 'GET') throw wrongMethod('GET')
  const { query } = exchange
  const { offset, limit } = readPage(exchange)
  const cloud = query.get('cloud') ?? ''
  const runUuid = query.get('runUuid') ?? ''
  const user = query.get('user') ?? ''
  if (user !== '' && !caller.privileged) throw forbidden('Only privileged users may list the VMs of others')
  const found = [...state.machines.all()].filter(
    (machine) =>
      (caller.privileged || machine.user === caller.username) &&
      (cloud === '' || machine.cloud === cloud) &&
      (runUuid === '' || machine.runUuid === runUuid) &&
      (user === '' || machine.user === user),
  )
  const page = found
    // The newest of the same time is the one that was added last.
    .reverse()
    .sort((left, right) => right.measurement - left.measurement)
    .slice(offset, offset + limit)
  const attributes = {
    offset,
    limit,
    count: page.length,
    totalCount: found.length,
    user: caller.username,
  }
  sendDocument(exchange, element('vms', attributes, page.map(machineView)))
}

function machineView(machine: Machine): XmlElement {
  return element('vm', {
    cloud: machine.cloud,
    user: machine.user,
    instanceId: machine.instanceId,
    state: machine.state,
    measurement: legacyDate(machine.measurement),
    runUuid: machine.runUuid,
    runOwner: machine.runOwner,
    ip: machine.ip,
    name: machine.name,
    nodeName: machine.nodeName,
    nodeInstanceId: machine.nodeInstanceId,
    isUsable: machine.state === 'Running',
    cpu: machine.cpu,
    ram: machine.ram,
    disk: machine.disk,
    instanceType: machine.instanceType,
  })
}

interface CloudUsage {
  readonly cloud: string
  vmQuota: number
  userRunUsage: number
  userVmUsage: number
  userInactiveVmUsage: number
  othersVmUsage: number
  pendingVmUsage: number
  unknownVmUsage: number
}
type Count = Exclude<keyof CloudUsage, 'cloud'>
const COUNTS: readonly Count[] = [
  'vmQuota',
  'userRunUsage',
  'userVmUsage',
  'userInactiveVmUsage',
  'othersVmUsage',
  'pendingVmUsage',
  'unknownVmUsage',
]

/** `GET /dashboard`, as servers before 3.42 answer: with the machines, and a last row for all clouds together. */
export function dashboard(exchange: Exchange, caller: Caller, state: LegacyState): void {
  if (exchange.method !== 'GET') throw wrongMethod('GET')
  const { clouds, quotas } = state.options
  const rows = new Map(clouds.map((cloud) => [cloud, emptyUsage(cloud, quotas.get(cloud) ?? 0)]))
  const count = (cloud: string, what: Count): void => {
    const row = rows.get(cloud)
    if (row !== undefined) row[what] += 1
  }
  for (const run of state.runs.all()) {
    if (run.owner !== caller.username || isFinal(run.state)) continue
    for (const cloud of run.clouds) count(cloud, 'userRunUsage')
    for (const { cloud, machine } of run.instances.values()) {
      if (machine === undefined) count(cloud, 'pendingVmUsage')
    }
  }
  for (const machine of state.machines.all()) {
    if (machine.user !== caller.username) continue
    if (machine.runUuid === undefined) count(machine.cloud, 'unknownVmUsage')
    else count(machine.cloud, machine.state === 'Running' ? 'userVmUsage' : 'pendingVmUsage')
  }
  const total = emptyUsage('All Clouds', 0)
  for (const row of rows.values()) for (const what of COUNTS) total[what] += row[what]
  const usages = [...rows.values(), total].map((row) => element('cloudUsage', { ...row }))
  const list = { class: 'java.util.ArrayList' }
  sendDocument(
    exchange,
    element('dashboard', {}, [
      element(
        'clouds',
        list,
        clouds.map((cloud) => element('string', {}, [cloud])),
      ),
      element('cloudUsages', list, usages),
    ]),
  )
}

function emptyUsage(cloud: string, vmQuota: number): CloudUsage {
  return {
    cloud,
    vmQuota,
    userRunUsage: 0,
    userVmUsage: 0,
    userInactiveVmUsage: 0,
    othersVmUsage: 0,
    pendingVmUsage: 0,
    unknownVmUsage: 0,
  }
}
