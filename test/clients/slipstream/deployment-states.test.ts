import { describe, expect, it } from 'vitest'
import {
  checkTarget,
  isFinal,
  reached,
  terminated,
  type DeploymentClassifier,
  type DeploymentTarget,
} from '../../../src/clients/slipstream/deployment-states.js'
import type { Deployment, DeploymentInstance } from '../../../src/clients/slipstream/deployment-types.js'

const instance = (name: string, rest: Partial<DeploymentInstance> = {}): DeploymentInstance => ({
  name,
  node: name,
  isOrchestrator: name.startsWith('orchestrator-'),
  complete: false,
  ...rest,
})
const deployment = (state: string, rest: Partial<Deployment> = {}): Deployment => ({
  uuid: 'u-1',
  state,
  abort: '',
  clouds: [],
  mutable: false,
  recoveryMode: false,
  tags: [],
  nodeNames: [],
  nodes: [],
  instances: [],
  cloudImageIdentifiers: {},
  runtimeParameters: {},
  ...rest,
})
const kindOf = (classifier: DeploymentClassifier, state: string, abort = ''): string =>
  classifier()(deployment(state, { abort })).kind
const states = [
  'Initializing',
  'Provisioning',
  'Executing',
  'SendingReports',
  'Ready',
  'Finalizing',
  'Done',
  'Cancelled',
  'Aborted',
  'Unknown',
  'Brandnew',
]
const outcomes = (target: DeploymentTarget, abort = ''): string =>
  states.map((state) => kindOf(reached(target), state, abort)[0]).join('')

describe('what is reached in which state', () => {
  // I P E S R F D C A U and a state that is not known: p = pending, d = done, f = failed.
  it.each<readonly [DeploymentTarget, string]>([
    ['ready', 'ppppdpdfffp'],
    ['Ready', 'ppppdpdfffp'],
    ['Initializing', 'dddddddfffp'],
    ['Provisioning', 'pddddddfffp'],
    ['Executing', 'ppdddddfffp'],
    ['SendingReports', 'pppddddfffp'],
    ['Finalizing', 'pppppddfffp'],
    ['Done', 'ppppppdfffp'],
    ['final', 'ppppppddffp'],
    ['Cancelled', 'ppppppfdffp'],
    ['Aborted', 'ppppppffdfp'],
  ])('%s', (target, expected) => {
    expect(outcomes(target)).toBe(expected)
  })

  it.each<readonly [DeploymentTarget, string]>([
    ['ready', 'fffffffffff'],
    ['Executing', 'fffffffffff'],
    ['Done', 'fffffffffff'],
    ['final', 'ppppppddffp'],
    ['Aborted', 'ppppppffdfp'],
  ])('%s with the abort flag raised', (target, expected) => {
    expect(outcomes(target, "Failed running 'execute' target on 'machine'")).toBe(expected)
  })

  it('takes a blank abort for none', () => {
    expect(kindOf(reached('ready'), 'Ready', ' \n')).toBe('done')
  })

  it('waits for any end after a termination', () => {
    const kinds = states.map((state) => kindOf(terminated, state, 'boom')[0]).join('')
    expect(kinds).toBe('ppppppddddp')
    expect(states.filter(isFinal)).toEqual(['Done', 'Cancelled', 'Aborted', 'Unknown'])
  })

  it('says why it failed', () => {
    const reason = (state: string, abort = ''): unknown => {
      const verdict = reached('ready')()(deployment(state, { abort }))
      return verdict.kind === 'failed' ? verdict.reason : verdict.kind
    }
    expect(reason('Ready', 'The run has timed out\n')).toBe(
      'deployment u-1 was aborted and is in state Ready: The run has timed out',
    )
    expect(reason('Aborted')).toBe('deployment u-1 ended in state Aborted')
    expect(reason('Cancelled')).toBe('deployment u-1 was cancelled')
    expect(reason('Unknown')).toBe('deployment u-1 ended in state Unknown')
  })

  it('knows no other targets', () => {
    expect(checkTarget('final')).toBe('final')
    for (const wrong of ['done', 'Unknown', 7, undefined])
      expect(() => checkTarget(wrong)).toThrow(/^until: /)
  })
})

describe('percentage', () => {
  const percent = (
    state: string,
    rest: Partial<Deployment> = {},
    target: DeploymentTarget = 'ready',
  ): unknown => reached(target)()(deployment(state, rest)).percent
  const three = [
    instance('worker.1', { complete: true }),
    instance('worker.2'),
    instance('orchestrator-c1', { complete: true }),
  ]

  it('is the passed states and the share of completed instances', () => {
    expect(percent('Initializing')).toBe(0)
    expect(percent('Provisioning')).toBe(25)
    expect(percent('Executing', { instances: three })).toBe(66)
    expect(percent('SendingReports', { instances: [instance('machine', { complete: true })] })).toBe(100)
    expect([percent('Ready'), percent('Finalizing'), percent('Done')]).toEqual([100, 100, 100])
    expect(percent('Brandnew')).toBeUndefined()
    expect(percent('Cancelled')).toBeUndefined()
  })

  it('counts only orchestrators while only they are waited for', () => {
    expect(percent('Initializing', { instances: three })).toBe(25)
    expect(percent('Provisioning', { instances: three, recoveryMode: true })).toBe(50)
  })

  it('does not count instances that were removed', () => {
    const gone = [
      instance('worker.3', { scaleState: 'removed' }),
      instance('worker.4', { scaleState: 'gone' }),
    ]
    expect(percent('Executing', { instances: [...three, ...gone] })).toBe(66)
  })

  it('is measured on the way to the target', () => {
    expect(percent('Initializing', { instances: three }, 'Executing')).toBe(50)
    expect(percent('Ready', {}, 'final')).toBe(66)
    expect(terminated()(deployment('Finalizing')).percent).toBeUndefined()
  })
})

describe('what is told', () => {
  it('tells the text that changed last', () => {
    const classify = reached('ready')()
    const told = (texts: Readonly<Record<string, string>>): unknown =>
      classify(
        deployment('Executing', {
          instances: ['worker.1', 'worker.2', 'orchestrator-c1'].map((name) =>
            instance(name, texts[name] === undefined ? {} : { statecustom: texts[name] }),
          ),
        }),
      ).message
    expect(told({})).toBeUndefined()
    expect(told({ 'worker.1': 'installing', 'orchestrator-c1': 'waiting' })).toBe('waiting')
    expect(told({ 'worker.1': 'starting', 'orchestrator-c1': 'waiting' })).toBe('starting')
    expect(told({ 'worker.1': 'starting', 'orchestrator-c1': 'waiting' })).toBe('starting')
    expect(told({ 'orchestrator-c1': 'waiting' })).toBe('waiting')
    expect(told({})).toBeUndefined()
  })

  it('finds a new service address worth telling', () => {
    const classify = reached('ready')()
    const before = classify(deployment('Executing')).notable
    expect(classify(deployment('Executing', { serviceUrl: 'http://203.0.113.9' })).notable).not.toBe(before)
  })
})
