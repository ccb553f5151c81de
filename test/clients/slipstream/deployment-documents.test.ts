import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  itemOfDeployment,
  readDeployment,
  readDeployments,
  readParameters,
} from '../../../src/clients/slipstream/deployment-documents.js'
import { getDeployment } from '../../../src/clients/slipstream/deployment-operations.js'
import { ResponseFormatError } from '../../../src/errors.js'
import type { DecodeContext, HttpResponse } from '../../../src/http/types.js'
import { ID, runDocument } from './run-answers.js'

const context: DecodeContext = {
  operation: getDeployment,
  cloud: 'slipstream',
  watched: false,
  now: () => 0,
  drift: () => undefined,
}
const answer = (body: string): HttpResponse => ({ status: 200, headers: {}, body: Buffer.from(body) })
const readRun = (fixture: Parameters<typeof runDocument>[0]) =>
  readDeployment(answer(runDocument(fixture)), context)

const parameters = {
  'orchestrator-c1:complete': 'true',
  'orchestrator-c1:is.orchestrator': 'true',
  'orchestrator-c1:statecustom': 'waiting',
  'worker:ids': '2,10',
  'worker:multiplicity': '2',
  'worker:max-provisioning-failures': '0',
  'worker.10:complete': 'false',
  'worker.10:scale.state': 'creating',
  'worker.2:complete': 'true',
  'worker.2:is.orchestrator': 'false',
  'worker.2:statecustom': 'installing 3 < 5 packages',
  'worker.2:vmstate': 'Running',
  'worker.2:hostname': '203.0.113.10',
  'worker.2:url.service': 'http://203.0.113.10',
  'worker.2:url.ssh': 'ssh://root@203.0.113.10',
  'worker.2:admin_password': 'hunter2',
  'worker.2:unset': '',
  'ss:run.api.key': 'key-material',
  'ss:tags': 'demo, two',
  'ss:recovery.mode': 'true',
  'ss:abort': 'boom',
  'ss:url.service': 'https://203.0.113.9',
}

describe('a run document', () => {
  const deployment = readRun({ state: 'Executing', type: 'Orchestration', mutable: true, parameters })

  it('gives what is known of the deployment', () => {
    expect(deployment).toMatchObject({
      uuid: ID,
      category: 'Deployment',
      type: 'Orchestration',
      state: 'Executing',
      abort: 'boom',
      resourceUri: `run/${ID}`,
      moduleResourceUri: 'module/apps/cluster/app/107',
      clouds: ['c1', 'c2'],
      user: 'jane',
      mutable: true,
      deleted: false,
      recoveryMode: true,
      keepRunning: 'always',
      tags: ['demo', 'two'],
      serviceUrl: 'https://203.0.113.9',
      startTime: '2019-03-29 09:20:01.632 UTC',
      lastStateChangeTime: '2019-03-29 09:23:10.7 UTC',
      nodeNames: ['worker.1', 'worker.2', 'orchestrator-c1'],
      groups: 'c1:worker',
    })
    expect(Object.keys(deployment)).not.toContain('endTime')
  })

  it('has mutable as a boolean, false is false (defect 9)', () => {
    expect(readRun({ mutable: false }).mutable).toBe(false)
    expect(readDeployment(answer('<run uuid="u" state="Ready"/>'), context).mutable).toBe(false)
  })

  it('gives nodes and instances, by number, orchestrators last', () => {
    expect(deployment.nodes).toEqual([
      { name: 'worker', ids: [2, 10], multiplicity: 2, maxProvisioningFailures: 0 },
    ])
    expect(deployment.instances).toEqual([
      {
        name: 'worker.2',
        node: 'worker',
        id: 2,
        isOrchestrator: false,
        complete: true,
        statecustom: 'installing 3 < 5 packages',
        vmstate: 'Running',
        hostname: '203.0.113.10',
        serviceUrl: 'http://203.0.113.10',
        sshUrl: 'ssh://root@203.0.113.10',
      },
      {
        name: 'worker.10',
        node: 'worker',
        id: 10,
        isOrchestrator: false,
        complete: false,
        scaleState: 'creating',
      },
      {
        name: 'orchestrator-c1',
        node: 'orchestrator-c1',
        isOrchestrator: true,
        complete: true,
        statecustom: 'waiting',
      },
    ])
  })

  it('tells what is unset from what there is not', () => {
    const { runtimeParameters } = deployment
    expect(runtimeParameters['worker.2:unset']).toBeUndefined()
    expect('worker.2:unset' in runtimeParameters).toBe(true)
    for (const none of ['worker.2:none', 'constructor', '__proto__'])
      expect(none in runtimeParameters).toBe(false)
  })

  it('takes a missing, a self-closed and an empty text for unset', () => {
    const entry = (key: string, element: string): string => `<entry><string>${key}</string>${element}</entry>`
    const { runtimeParameters } = readDeployment(
      answer(
        `<run uuid="u" state="Ready"><runtimeParameters>${entry('a:closed', '<runtimeParameter/>')}${entry(
          'a:empty',
          '<runtimeParameter></runtimeParameter>',
        )}${entry('a:set', '<runtimeParameter> x </runtimeParameter>')}</runtimeParameters></run>`,
      ),
      context,
    )
    expect({ ...runtimeParameters }).toEqual({ 'a:closed': undefined, 'a:empty': undefined, 'a:set': ' x ' })
  })

  it('keeps passwords and keys readable, but prints and copies none', () => {
    expect(deployment.runtimeParameters['worker.2:admin_password']).toBe('hunter2')
    expect(deployment.runtimeParameters['ss:run.api.key']).toBe('key-material')
    const shown = inspect(deployment, { depth: 9 }) + JSON.stringify({ ...deployment })
    expect(shown).toContain('203.0.113.10')
    expect(shown).not.toMatch(/hunter2|key-material/)
  })

  it('reads the images of its module', () => {
    const rest = `<module class="x"><cloudImageIdentifiers>
      <cloudImageIdentifier cloudServiceName="c1" cloudImageIdentifier="image-1"/>
      <cloudImageIdentifier cloudServiceName="c2" cloudImageIdentifier=""/>
    </cloudImageIdentifiers></module>`
    expect(readRun({ rest }).cloudImageIdentifiers).toEqual({ c1: 'image-1' })
  })

  it('finds its id in its address too, and cannot be without id and state', () => {
    expect(readDeployment(answer('<run resourceUri="run/u-2" state="Ready"/>'), context).uuid).toBe('u-2')
    for (const bad of ['<run state="Ready"/>', '<run uuid="u"/>', '<runs/>', '<run uuid="u" state="Re']) {
      expect(() => readDeployment(answer(bad), context), bad).toThrow(ResponseFormatError)
    }
  })
})

describe('the parameters of a run document', () => {
  it('come with what is known of each, passwords unseen', () => {
    const found = readParameters(answer(runDocument({ parameters })), context)
    expect(found.find(({ key }) => key === 'worker.2:hostname')).toEqual({
      key: 'worker.2:hostname',
      value: '203.0.113.10',
      group: 'worker.2',
      description: 'about worker.2:hostname',
      type: 'String',
      deleted: false,
      isSet: true,
      mapsOthers: false,
      isMappedValue: false,
      mappedRuntimeParameterNames: [],
      creation: '2019-03-29 09:20:01.649 UTC',
    })
    expect(found.find(({ key }) => key === 'worker.2:unset')).not.toHaveProperty('value')
    expect(found.find(({ key }) => key === 'worker.2:admin_password')?.value).toBe('hunter2')
    expect(JSON.stringify(found)).not.toContain('hunter2')
  })
})

describe('the list', () => {
  const item = `<item resourceUri="run/${ID}" uuid="${ID}" moduleResourceUri="module/apps/WordPress/wordpress/1942" status="Ready" abort="" startTime="2019-03-29 09:20:01.44 UTC"
        cloudServiceNames="exoscale-ch-gva" username="jane" type="Run" tags="demo" serviceUrl="https://203.0.113.9" activeVm="1"/>`

  it('gives items in the words of the wire, with status as state', () => {
    const page = readDeployments(
      answer(`<runs offset="0" limit="20" count="1" totalCount="93" cloud="">${item}</runs>`),
      context,
    )
    expect(page).toEqual({
      totalCount: 93,
      items: [
        {
          uuid: ID,
          resourceUri: `run/${ID}`,
          moduleResourceUri: 'module/apps/WordPress/wordpress/1942',
          state: 'Ready',
          abort: '',
          startTime: '2019-03-29 09:20:01.44 UTC',
          clouds: ['exoscale-ch-gva'],
          username: 'jane',
          type: 'Run',
          tags: ['demo'],
          serviceUrl: 'https://203.0.113.9',
          activeVm: 1,
        },
      ],
    })
  })

  it('may be empty, and its items bare', () => {
    expect(readDeployments(answer('<runs/>'), context)).toEqual({ items: [] })
    expect(
      readDeployments(answer('<runs><item uuid="u" status="Done" serviceUrl="" tags=""/></runs>'), context),
    ).toEqual({
      items: [{ uuid: 'u', state: 'Done', abort: '', clouds: [], tags: [] }],
    })
    expect(() => readDeployments(answer('<runs><item uuid="u"/></runs>'), context)).toThrow(
      ResponseFormatError,
    )
  })

  it('has the same item for a whole deployment, but for the number of its machines', () => {
    expect(itemOfDeployment(readRun({ state: 'Done', parameters: { 'ss:tags': 'demo' } }))).toEqual({
      uuid: ID,
      resourceUri: `run/${ID}`,
      moduleResourceUri: 'module/apps/cluster/app/107',
      state: 'Done',
      abort: '',
      clouds: ['c1', 'c2'],
      username: 'jane',
      type: 'Run',
      tags: ['demo'],
      startTime: '2019-03-29 09:20:01.632 UTC',
    })
  })
})
