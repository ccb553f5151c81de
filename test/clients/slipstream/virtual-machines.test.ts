import { take, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createUsage } from '../../../src/clients/slipstream/usage.js'
import {
  createVirtualMachines,
  type VirtualMachine,
  type VirtualMachineFilter,
} from '../../../src/clients/slipstream/virtual-machines.js'
import { NotFoundError, ResponseFormatError } from '../../../src/errors.js'
import type { HttpRequest } from '../../../src/http/types.js'
import { apiWithoutAnswers, ask, document, failure, type Routes } from './legacy-answers.js'

const RUN = '815a8f66-fc9d-4444-849c-d12e883982c1'
const list = (
  routes: Routes,
  filter?: VirtualMachineFilter,
  use = (all: Observable<VirtualMachine>) => all,
) => ask(routes, (api) => use(createVirtualMachines(api).list(filter)))

/** As many machines as there are, page by page; a server with an opinion of its own on how many make a page. */
function server(total: number, { count = true, most = 1_000 } = {}): Routes {
  const page = ({ path }: HttpRequest) => {
    const query = new URLSearchParams(path.split('?')[1])
    const offset = Number(query.get('offset'))
    const length = Math.max(0, Math.min(Number(query.get('limit')), most, total - offset))
    const machines = Array.from(
      { length },
      (_, at) => `<vm instanceId="i-${String(offset + at)}" state="Running"/>`,
    )
    const counts = count ? `totalCount="${String(total)}"` : ''
    return document(
      `<vms offset="${String(offset)}" count="${String(length)}" ${counts} user="jane">${machines.join('')}</vms>`,
    )
  }
  return { 'GET /vms': page }
}

describe('virtualMachines.list', () => {
  it('emits each machine, with numbers and booleans; what is not told is not there', () => {
    const body = `<vms offset="0" limit="100" count="2" totalCount="2" user="jane">
      <vm cloud="exoscale-ch-gva" user="jane" instanceId="0781484e" state="Running" measurement="2018-09-01 10:00:00.12 UTC" runUuid="${RUN}" runOwner="jane"
          ip="203.0.113.10" name="vm" nodeName="worker" nodeInstanceId="1" isUsable="true" cpu="2" ram="4096.0" disk="10.0" instanceType="Small"/>
      <vm cloud="c2" instanceId="other" state="Unknown" cpu=""/></vms>`
    const { values, lines, sent, completed } = list({ 'GET /vms': document(body) })
    expect(lines).toEqual(['GET /vms?offset=0&limit=100&runUuid=&cloud='])
    expect([sent[0]?.headers['accept'], completed]).toEqual(['application/xml', true])
    expect(values).toEqual([
      {
        cloud: 'exoscale-ch-gva',
        user: 'jane',
        instanceId: '0781484e',
        state: 'Running',
        measurement: '2018-09-01 10:00:00.12 UTC',
        runUuid: RUN,
        runOwner: 'jane',
        ip: '203.0.113.10',
        name: 'vm',
        nodeName: 'worker',
        nodeInstanceId: 1,
        isUsable: true,
        cpu: 2,
        ram: 4096,
        disk: 10,
        instanceType: 'Small',
      },
      { cloud: 'c2', instanceId: 'other', state: 'Unknown' },
    ])
  })

  it('asks for those of a deployment, on a cloud', () => {
    const { lines } = list(server(0), { deploymentId: RUN, cloud: 'c 1', offset: 40, pageSize: 20 })
    expect(lines).toEqual([`GET /vms?offset=40&limit=20&runUuid=${RUN}&cloud=c%201`])
  })

  it('requests pages as they are needed', () => {
    const all = list(server(25), { pageSize: 10 })
    expect(all.values.map(({ instanceId }) => instanceId)).toEqual(
      Array.from({ length: 25 }, (_, at) => `i-${String(at)}`),
    )
    expect(all.lines.map((line) => /offset=(\d+)/.exec(line)?.[1])).toEqual(['0', '10', '20'])
    const some = list(server(25), { pageSize: 10 }, (machines) => machines.pipe(take(10)))
    expect(some.lines).toHaveLength(1)
    const few = list(server(25), { pageSize: 10 }, (machines) => machines.pipe(take(11)))
    expect(few.lines).toHaveLength(2)
  })

  it('goes on where the server stopped, whatever it thinks of the size of a page', () => {
    const { values, lines } = list(server(25, { most: 7 }), { offset: 1 })
    expect([values.length, lines.length]).toEqual([24, 4])
  })

  it('ends where nothing comes, even if more was promised', () => {
    const promise = document('<vms offset="0" totalCount="93"/>')
    const { values, lines, completed } = list({ 'GET /vms': promise })
    expect([values, lines.length, completed]).toEqual([[], 1, true])
  })

  it('goes by full pages where nobody counts', () => {
    const { values, lines } = list(server(25, { count: false }), { pageSize: 10 })
    expect([values.length, lines.length]).toEqual([25, 3])
  })

  it('says so where the server has them no more', () => {
    const { error } = list({ 'GET /vms': failure(404, 'Not Found', 'Resource not found') })
    expect(error).toBeInstanceOf(NotFoundError)
    expect(error?.operation).toBe('slipstream.virtualMachines.list')
  })

  it('refuses wrong arguments at once, by name', () => {
    const machines = createVirtualMachines(apiWithoutAnswers())
    expect(() => machines.list({ offset: -1 })).toThrow(/^filter\.offset must be/)
    expect(() => machines.list({ pageSize: 0 })).toThrow(/^filter\.pageSize must be/)
    expect(() => machines.list({ pageSize: Infinity })).toThrow(/^filter\.pageSize must be/)
    expect(() => machines.list({ deploymentId: '' })).toThrow(/^filter\.deploymentId: /)
    expect(() => machines.list({ cloud: 7 as never })).toThrow(/^filter\.cloud: /)
  })
})

describe('usage.list', () => {
  const dashboard = (usages: string) =>
    document(`<dashboard><clouds class="java.util.ArrayList"><string>c1</string></clouds>
      <cloudUsages class="java.util.ArrayList">${usages}</cloudUsages></dashboard>`)
  const usage = (answer: Routes[string]) =>
    ask({ 'GET /dashboard': answer }, (api) => createUsage(api).list())

  it('emits what is in use on each cloud, then on all', () => {
    const { values, lines, sent } = usage(
      dashboard(
        '<cloudUsage cloud="c1" vmQuota="20" userRunUsage="1" userVmUsage="2" userInactiveVmUsage="0" othersVmUsage="3" pendingVmUsage="4" unknownVmUsage="5"/><cloudUsage cloud="All Clouds" vmQuota="40" userRunUsage="1"/>',
      ),
    )
    expect([lines, sent[0]?.headers['accept']]).toEqual([['GET /dashboard'], 'application/xml'])
    expect(values).toEqual([
      {
        cloud: 'c1',
        vmQuota: 20,
        userRunUsage: 1,
        userVmUsage: 2,
        userInactiveVmUsage: 0,
        othersVmUsage: 3,
        pendingVmUsage: 4,
        unknownVmUsage: 5,
      },
      { cloud: 'All Clouds', vmQuota: 40, userRunUsage: 1 },
    ])
  })

  it('does without the numbers that newer servers do not tell (defect 8 of the reference)', () => {
    const { values, error } = usage(
      dashboard(
        '<cloudUsage cloud="c1" vmQuota="20"/><cloudUsage cloud="c2" vmQuota="" userRunUsage="null"/>',
      ),
    )
    expect(error).toBeUndefined()
    expect(values).toEqual([{ cloud: 'c1', vmQuota: 20 }, { cloud: 'c2' }])
  })

  it('is nothing where there are no clouds', () => {
    expect(usage(document('<dashboard/>'))).toMatchObject({ values: [], completed: true })
  })

  it('needs the name of a cloud', () => {
    const { error } = usage(dashboard('<cloudUsage vmQuota="1"/>'))
    expect(error).toBeInstanceOf(ResponseFormatError)
    expect(error).toMatchObject({ issues: ['cloudUsage.cloud: missing'] })
  })
})
