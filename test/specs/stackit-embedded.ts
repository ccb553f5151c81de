import { afterAll, beforeAll } from 'vitest'
import { createStackit, type StackitClient } from '../../src/clients/stackit/index.js'
import { startCloud, type EmbeddedCloud } from '../../src/testing/cloud/index.js'
import { hasDocuments } from '../api-documents.js'
import { readDocuments, type RawOperation } from '../testing/cloud/stackit-documents.js'
import { logIn } from '../testing/cloud/stackit-preparation.js'
import type { Arguments } from './arguments.js'
import type { SpecDocument, SpecOperation } from './open-api.js'
import { definitions, keyOf, titledDocuments } from './stackit-services.js'
import { kindOf, type Values } from './values.js'

// The services in their usual versions on the embedded cloud. It is prepared by the means of its own tests.

export const standard = titledDocuments.filter(([, document]) => document.standard)
const services = Object.fromEntries(standard.map(([key]) => [key, definitions[key] ?? failed(key)]))

export function failed(name: string): never {
  throw new Error(`there is no ${name}`)
}

/** Of a test file: there between its first test and its last. */
export interface EmbeddedSite {
  readonly cloud: EmbeddedCloud
  /** Good for the cloud's own preparation. */
  readonly token: string
  readonly client: StackitClient<typeof services>
}

export function useEmbeddedStackit(): EmbeddedSite {
  const site: { -readonly [K in keyof EmbeddedSite]?: EmbeddedSite[K] } = {}
  beforeAll(async () => {
    const cloud = await startCloud({
      clouds: ['stackit'],
      clock: { manual: true },
      seed: 1,
      stackit: { tokenLifetimeMs: 3_600_000 },
    })
    site.cloud = cloud
    site.token = await logIn(cloud.stackit)
    site.client = connect(cloud)
  })
  afterAll(async () => {
    site.client?.close()
    await site.cloud?.close()
  })
  return site as EmbeddedSite
}

/** What differs from its description is an error. */
function connect({ stackit }: EmbeddedCloud): StackitClient<typeof services> {
  return createStackit({
    services,
    serviceAccountKey: stackit.serviceAccountKey,
    endpoints: Object.fromEntries(standard.map(([, { service }]) => [service, stackit.endpoint(service)])),
    credentialSources: { env: {}, home: '' },
    retry: false,
    strict: true,
  })
}

const cloudDocuments = hasDocuments ? readDocuments() : []

/** An operation as the cloud's own tests know it, among all of its document. */
export function rawOperation(
  document: SpecDocument,
  { id }: SpecOperation,
): { readonly raw: RawOperation; readonly all: readonly RawOperation[] } {
  const all = cloudDocuments.find((one) => keyOf(one) === keyOf(document))?.operations ?? []
  return { raw: all.find((one) => one.id === id) ?? failed(id), all }
}

/** What the method has to be called with for this address. */
export function argumentsOf(operation: SpecOperation, url: URL, values: Values): Arguments {
  const path = url.pathname.split('/').slice(2)
  const names = operation.path.split('/').slice(1)
  const found = operation.parameters.flatMap(
    ({ name, in: place, schema }): readonly (readonly [string, unknown])[] => {
      const flat = values.flat(schema)
      if (place === 'query') {
        const given = url.searchParams.getAll(name)
        if (given.length === 0) return []
        return [[name, kindOf(flat) === 'array' ? given : valueOf(flat, given[0])]]
      }
      if (place !== 'path') return []
      const index = names.findIndex((part) => part.includes(`{${name}}`))
      const [before = '', after = ''] = names[index]?.split(`{${name}}`) ?? []
      const segment = decodeURIComponent(path[index] ?? '')
      return [[name, valueOf(flat, segment.slice(before.length, segment.length - after.length))]]
    },
  )
  return Object.fromEntries(found)
}

function valueOf(schema: Readonly<Record<string, unknown>>, text = ''): unknown {
  const kind = kindOf(schema)
  if (kind === 'boolean') return text === 'true'
  return kind === 'integer' || kind === 'number' ? Number(text) : text
}
