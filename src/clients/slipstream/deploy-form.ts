import { moduleReference } from './module-paths.js'
import { isSecretParameter } from './secret-parameters.js'

/** What becomes a field of a form as text. */
export type FieldValue = string | number | boolean

/** When the machines of an application are kept after it has become ready; without it, what the user's profile says. */
export type KeepRunning = 'always' | 'never' | 'on-success' | 'on-error'

/** How a module is deployed (slipstream dossier 4.3). */
export interface DeploySpec {
  /** For a component the cloud, for an application the cloud of each node. Default: what the module or the user's profile says. */
  readonly cloud?: string | Readonly<Record<string, string>>
  /** For a component values by name, for an application by node and name. */
  readonly parameters?: Readonly<Record<string, FieldValue | Readonly<Record<string, FieldValue>>>>
  /** Instances of each node of an application. */
  readonly multiplicity?: Readonly<Record<string, number | string>>
  /** How many instances of a node may fail to start without failing the whole. */
  readonly tolerateFailures?: Readonly<Record<string, number | string>>
  /** One tag, or several. */
  readonly tags?: string | readonly string[]
  readonly keepRunning?: KeepRunning
  /** Whether instances may be added and removed later. Default false. */
  readonly scalable?: boolean
  /** Whether the deployment is refused when the user's profile has no public key. Default false. */
  readonly checkSshKey?: boolean
  /** Fields sent as they are; those that the other options make win over them. */
  readonly fields?: Readonly<Record<string, FieldValue>>
}

/** A form in the order of its fields, and those of its values that must not be seen. */
export interface DeployForm {
  readonly fields: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
}

/** Names that are fields of their own and no parameters of the module. */
const directFields = new Set(['bypass-ssh-check', 'refqname', 'keep-running', 'tags', 'mutable', 'type'])
const keepRunningValues: ReadonlySet<unknown> = new Set<KeepRunning>([
  'always',
  'never',
  'on-success',
  'on-error',
])

/**
 * The form that deploys a module.
 *
 * @throws TypeError naming the argument that is wrong
 */
export function deployForm(path: string, spec: DeploySpec = {}): DeployForm {
  // A field that is set again keeps its place: so the order is that of the dossier, and the last value wins.
  const fields = new Map<string, string>()
  const secrets: string[] = []
  const set = (field: string, value: string, name = field): void => {
    fields.set(field, value)
    if (isSecretParameter(name)) secrets.push(value)
  }

  for (const [name, value] of entriesOf('fields', spec.fields)) set(name, textOf(`fields.${name}`, value))
  for (const { field, name, value } of parameterFields(spec.parameters)) set(field, value, name)
  for (const [field, value] of cloudFields(spec.cloud)) set(field, value)
  for (const [node, count] of entriesOf('multiplicity', spec.multiplicity)) {
    set(`parameter--node--${node}--multiplicity`, countOf(`multiplicity.${node}`, count))
  }
  for (const [node, count] of entriesOf('tolerateFailures', spec.tolerateFailures)) {
    set(`parameter--node--${node}--max-provisioning-failures`, countOf(`tolerateFailures.${node}`, count))
  }
  set('refqname', moduleReference(path))
  const tags = tagsOf(spec.tags)
  if (tags !== '') set('tags', tags)
  if (spec.keepRunning !== undefined) set('keep-running', keepRunningOf(spec.keepRunning))
  if (flagOf('scalable', spec.scalable)) set('mutable', 'on')
  if (!flagOf('checkSshKey', spec.checkSshKey)) set('bypass-ssh-check', 'true')
  return { fields: Object.fromEntries(fields), secrets }
}

/** The form that builds the image of a component. */
export function buildForm(path: string, cloud = 'default'): Readonly<Record<string, string>> {
  if (typeof cloud !== 'string' || cloud === '') {
    throw new TypeError('cloud: expected the name of a cloud')
  }
  return { type: 'Machine', refqname: moduleReference(path), 'parameter--cloudservice': cloud }
}

interface ParameterField {
  readonly field: string
  readonly name: string
  readonly value: string
}

function* parameterFields(parameters: DeploySpec['parameters']): Generator<ParameterField> {
  for (const [name, value] of entriesOf('parameters', parameters)) {
    if (typeof value !== 'object' || value === null) {
      const field = directFields.has(name) ? name : `parameter--${name}`
      yield { field, name, value: textOf(`parameters.${name}`, value) }
      continue
    }
    for (const [inner, text] of entriesOf(`parameters.${name}`, value)) {
      const field = `parameter--node--${name}--${inner}`
      yield { field, name: inner, value: textOf(`parameters.${name}.${inner}`, text) }
    }
  }
}

function* cloudFields(cloud: DeploySpec['cloud']): Generator<readonly [string, string]> {
  if (typeof cloud === 'string') {
    yield ['parameter--cloudservice', cloud]
    return
  }
  for (const [node, name] of entriesOf('cloud', cloud)) {
    if (typeof name !== 'string') throw new TypeError(`cloud.${node}: expected the name of a cloud`)
    yield [`parameter--node--${node}--cloudservice`, name]
  }
}

// Plain JavaScript callers pass anything; what they pass is named before anything is sent.

function entriesOf(argument: string, record: unknown): readonly (readonly [string, unknown])[] {
  if (record === undefined) return []
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    throw new TypeError(`${argument}: expected an object with a value for each name`)
  }
  const entries = Object.entries(record).filter(([, value]) => value !== undefined)
  if (entries.some(([name]) => name === ''))
    throw new TypeError(`${argument}: expected names that are not empty`)
  return entries
}

function textOf(argument: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  throw new TypeError(`${argument}: expected a string, a number or a boolean`)
}

function countOf(argument: string, value: unknown): string {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : ''
  if (!/^\d+$/.test(text)) throw new TypeError(`${argument}: expected a whole number that is not negative`)
  return text
}

function tagsOf(tags: unknown): string {
  const list: unknown = tags === undefined ? [] : typeof tags === 'string' ? [tags] : tags
  if (!Array.isArray(list) || list.some((tag) => typeof tag !== 'string')) {
    throw new TypeError('tags: expected a string or a list of strings')
  }
  return list.join(',')
}

function keepRunningOf(value: unknown): string {
  if (keepRunningValues.has(value)) return String(value)
  throw new TypeError(
    `keepRunning: expected ${[...keepRunningValues].join(', ')}, but it is ${String(value)}`,
  )
}

function flagOf(argument: string, value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false
  throw new TypeError(`${argument}: expected true or false`)
}
