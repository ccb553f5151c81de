import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Observable } from 'rxjs'
import { createStackit, type StackitConfig } from '../../src/clients/stackit/index.js'
import type { ServiceDefinition } from '../../src/clients/stackit/service-definition.js'
import type { CallOptions, HttpRequest, Transport } from '../../src/http/types.js'
import { hasDocuments, stackitSpecs } from '../api-documents.js'
import { readDocuments, type SpecDocument, type SpecOperation } from './open-api.js'

const services = new URL('../../src/clients/stackit/services/', import.meta.url)

export const documents: readonly SpecDocument[] = hasDocuments ? readDocuments(stackitSpecs) : []
export const keyOf = ({ service, version }: Pick<SpecDocument, 'service' | 'version'>): string =>
  `${service}/${version}`

/** For `describe.each` and `it.each`. */
export const titledDocuments = documents.map((document) => [keyOf(document), document] as const)
export const titledOperations = ({
  operations,
}: SpecDocument): readonly (readonly [string, SpecOperation])[] =>
  operations.map((operation) => [operation.id, operation])

/** The generated definitions, by document. */
export const definitions: Readonly<Record<string, ServiceDefinition>> = Object.fromEntries(
  await Promise.all(
    documents.map(async (document) => [keyOf(document), await definitionOf(document)] as const),
  ),
)

async function definitionOf({ service, version, standard }: SpecDocument): Promise<ServiceDefinition> {
  const place = standard ? service : keyOf({ service, version })
  const module = (await import(new URL(`${place}/index.ts`, services).href)) as Record<
    string,
    ServiceDefinition
  >
  const found = Object.values(module).find((exported) => exported.service === service)
  if (found === undefined) throw new Error(`${place} exports no definition`)
  return found
}

/** How methods have to be called, by document and operationId: the list was made from the documents by another program. */
const methodNames = new Map(
  hasDocuments
    ? readFileSync(join(stackitSpecs, 'operations.tsv'), 'utf8')
        .split('\n')
        .map((line) => line.split('\t'))
        .map(([service, version, , id, name = '']) => [
          `${String(service)}/${String(version)} ${String(id)}`,
          name,
        ])
    : [],
)
export function methodNameOf(document: SpecDocument, { id }: SpecOperation): string {
  const name = methodNames.get(`${keyOf(document)} ${id}`)
  if (name === undefined) throw new Error(`${keyOf(document)} has no operation ${id}`)
  return name
}

type Arguments = Readonly<Record<string, unknown>>
export type Method = (args?: Arguments, options?: CallOptions) => Observable<unknown>

/** An answer as it comes over the wire. */
export interface WireAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface RecordedClient {
  /** Everything that was sent. */
  readonly sent: HttpRequest[]
  /** What is answered from now on. */
  answer: WireAnswer
  readonly methodOf: (document: SpecDocument, operation: SpecOperation) => Method
}

export const nothing: WireAnswer = { status: 204, headers: {}, body: new Uint8Array() }

/** One client with every service in every version, that sends nothing but keeps it. */
export function recordedClient(config: Omit<StackitConfig, 'services'>): RecordedClient {
  const sent: HttpRequest[] = []
  const transport: Transport = (request, handler) => {
    sent.push(request)
    handler.next(recorded.answer)
    return () => undefined
  }
  const client = createStackit({
    services: definitions,
    credentialSources: { env: {}, home: '' },
    retry: false,
    ...config,
    transport,
  }) as unknown as Readonly<Record<string, Readonly<Record<string, Method>>>>
  const recorded: RecordedClient = {
    sent,
    answer: nothing,
    methodOf: (document, operation) => {
      const name = methodNameOf(document, operation)
      const method = client[keyOf(document)]?.[name]
      if (method === undefined) throw new Error(`there is no method ${name}`)
      return method
    },
  }
  return recorded
}
