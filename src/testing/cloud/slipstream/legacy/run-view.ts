import { legacyDate } from './dates.js'
import { moduleAttributes } from './module-view.js'
import type { ModuleStore } from './module-store.js'
import { isFinal, valueOf, type Run, type RuntimeParameter } from './run-model.js'
import type { Account } from '../tools.js'
import { element, mapEntry, type XmlElement } from './xml-writer.js'

const blankAsAbsent = (text: string): string | undefined => (text === '' ? undefined : text)

/** An item of `GET /run` (slipstream dossier 4.2). */
export function runItem(run: Run): XmlElement {
  let active = 0
  if (!isFinal(run.state))
    for (const { machine } of run.instances.values()) if (machine !== undefined) active += 1
  return element('item', {
    resourceUri: `run/${run.uuid}`,
    uuid: run.uuid,
    moduleResourceUri: run.moduleUri,
    status: run.state,
    abort: valueOf(run, 'ss:abort'),
    startTime: legacyDate(run.startTime),
    cloudServiceNames: run.clouds.join(','),
    username: run.owner,
    type: run.type,
    tags: valueOf(run, 'ss:tags'),
    serviceUrl: blankAsAbsent(valueOf(run, 'ss:url.service')),
    activeVm: active,
  })
}

/** `GET /run/<uuid>` (slipstream dossier 4.2). */
export function runView(run: Run, modules: ModuleStore, account: Account | undefined): XmlElement {
  const { module } = run
  const runtimeParameters: XmlElement[] = []
  for (const [scope, parameters] of run.parameters) {
    for (const [name, parameter] of parameters) runtimeParameters.push(runtimeEntry(scope, name, parameter))
  }
  const settings = settingsOf(run, account)
  const moduleClass = `com.sixsq.slipstream.persistence.${module.category}Module`
  return element(
    'run',
    {
      category: module.category,
      deleted: false,
      resourceUri: `run/${run.uuid}`,
      uuid: run.uuid,
      type: run.type,
      cloudServiceNames: run.clouds.join(','),
      state: run.state,
      moduleResourceUri: run.moduleUri,
      startTime: legacyDate(run.startTime),
      endTime: run.endTime === undefined ? undefined : legacyDate(run.endTime),
      lastStateChangeTime: legacyDate(run.lastStateChange),
      nodeNames: [...run.instances.keys()].join(','),
      user: run.owner,
      mutable: run.mutable,
      creation: legacyDate(run.startTime),
      groups: valueOf(run, 'ss:groups'),
    },
    [
      element('parameters', {}, settings.map(settingEntry)),
      element(
        'runtimeParameters',
        { class: 'org.hibernate.collection.internal.PersistentMap' },
        runtimeParameters,
      ),
      element('module', {
        class: moduleClass,
        ...moduleAttributes(module, modules.latest(module.path) === module),
      }),
    ],
  )
}

type Setting = readonly [name: string, description: string, value: string]

function settingsOf(run: Run, account: Account | undefined): readonly Setting[] {
  const ofUser = (name: string, fallback: string): string => account?.parameters.get(name) ?? fallback
  const nodes = [...run.nodes.values()].flatMap(({ name, cloud }): readonly Setting[] => [
    [`${name}--multiplicity`, 'Multiplicity number', valueOf(run, `${name}:multiplicity`)],
    [`${name}--cloudservice`, 'Cloud service', cloud],
  ])
  return [
    ['General.keep-running', 'Keep running after deployment', run.keepRunning],
    ['General.Timeout', 'Timeout in minutes', ofUser('General.Timeout', '30')],
    ['General.Verbosity Level', 'Level of verbosity', ofUser('General.Verbosity Level', '1')],
    ...nodes,
  ]
}

function settingEntry([name, description, value]: Setting): XmlElement {
  return mapEntry(
    name,
    element(
      'parameter',
      {
        name,
        category: 'General',
        description,
        isSet: value !== '',
        mandatory: false,
        readonly: false,
        type: 'String',
        order: 0,
        order_: 0,
      },
      [element('value', {}, [value])],
    ),
  )
}

function runtimeEntry(scope: string, name: string, parameter: RuntimeParameter): XmlElement {
  const key = `${scope}:${name}`
  const { about, value, mapsTo } = parameter
  return mapEntry(
    { cdata: key },
    element(
      'runtimeParameter',
      {
        description: about.description,
        deleted: false,
        key,
        isSet: value !== '',
        group: scope === 'ss' ? 'Global' : scope,
        mapsOthers: mapsTo.length > 0,
        type: about.type,
        mappedRuntimeParameterNames: mapsTo.join(','),
        isMappedValue: parameter.isMapped,
        creation: legacyDate(parameter.creation),
      },
      [{ cdata: value }],
    ),
  )
}
