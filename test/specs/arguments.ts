import type { SpecOperation, SpecParameter } from './open-api.js'
import type { Choice, Values } from './values.js'

/** What a method is called with. */
export type Arguments = Readonly<Record<string, unknown>>

/** Parameters that a client knows from its configuration. */
export const configured = {
  projectId: '0b0e1c4e-5a52-4f3e-8a8e-3a7d5c8f0002',
  organizationId: '0b0e1c4e-5a52-4f3e-8a8e-3a7d5c8f0003',
  region: 'eu01',
  regionId: 'eu01',
} as const

export const isConfigured = ({ in: place, name }: SpecParameter): boolean =>
  place === 'path' && Object.hasOwn(configured, name)

/** A region of the path may be one of the host, too: then it is one that there is. */
const isRegion = ({ in: place, name }: SpecParameter): boolean =>
  place === 'path' && /^region(Id)?$/.test(name)

/** Arguments for an operation; without `all`, only what it requires and the client does not know. */
export function argumentsFor({ parameters, body }: SpecOperation, values: Values, choice: Choice): Arguments {
  const wanted = parameters.filter(
    (parameter) => choice.all || (isRequired(parameter) && !isConfigured(parameter)),
  )
  const args = wanted.map((parameter) => [parameter.name, valueFor(parameter, values, choice)] as const)
  const schema = body?.content.values().next().value
  const withBody = schema !== undefined && (choice.all || body?.required === true)
  return { ...Object.fromEntries(args), ...(withBody ? { body: values.of(schema, choice) } : {}) }
}

export function isRequired({ in: place, required }: SpecParameter): boolean {
  return required || place === 'path'
}

/** Parameters are never null; what stands in a header is plain. */
function valueFor(parameter: SpecParameter, values: Values, choice: Choice): unknown {
  if (isRegion(parameter)) return configured.region
  const { in: place, schema } = parameter
  const { nullable: _, ...found } = values.flat(schema)
  const value = values.of(found, { ...choice, all: true })
  return place === 'header' && typeof value === 'string' && !/^[\x20-\x7e]+$/.test(value)
    ? 'a plain value'
    : value
}

/** How many different calls it takes to see every alternative and null. */
export function turnsOf({ parameters, body }: SpecOperation, values: Values): number {
  const schemas = [...parameters.map(({ schema }) => schema), ...(body?.content.values() ?? [])]
  return Math.max(2, ...schemas.map((schema) => values.turns(schema)))
}
