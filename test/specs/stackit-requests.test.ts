import { lastValueFrom } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../src/errors.js'
import { describeWithDocuments } from '../api-documents.js'
import { argumentsFor, configured, isConfigured, isRequired, turnsOf, type Arguments } from './arguments.js'
import { list, object, successesOf, type SpecDocument, type SpecOperation } from './open-api.js'
import { nothing, recordedClient, titledDocuments, titledOperations } from './stackit-services.js'
import { valuesOf, wrongValues, type Choice, type Values } from './values.js'
import { expectBody, expectHeaders, expectPath, expectQuery } from './wire.js'

// Every operation of every document: what the generated method sends, and what it refuses to send.

const token = 'the-token'
const client = recordedClient({ token, ...configured })
const unconfigured = recordedClient({ token })

/** Nobody has to log in to log in (stackit dossier 4). */
const needsNoToken = (operation: SpecOperation): boolean =>
  operation.open || operation.id === 'CreateShortLivedAccessToken'

async function send(document: SpecDocument, operation: SpecOperation, args: Arguments): Promise<void> {
  const [status = 200] = successesOf(operation)[0] ?? []
  client.answer = { ...nothing, status }
  client.sent.length = 0
  await lastValueFrom(client.methodOf(document, operation)(args))
  expect(client.sent).toHaveLength(1)
  const [request] = client.sent
  if (request === undefined) return
  const known = { ...configured, ...args }
  expect(request.method).toBe(operation.method)
  expect(request.origin).toBe(document.url)
  expectPath(request.path, operation, known)
  expectQuery(request.path, operation, args)
  expectHeaders(request, operation, args, needsNoToken(operation) ? undefined : `Bearer ${token}`)
  expectBody(request, args)
}

describeWithDocuments('requests', () => {
  describe.each(titledDocuments)('of %s', (_key, document) => {
    const values = valuesOf(document)

    it.each(titledOperations(document))('%s', async (_id, operation) => {
      const least: Choice = { side: 'request', all: false, turn: 0 }
      await send(document, operation, argumentsFor(operation, values, least))
      for (let turn = 0; turn < turnsOf(operation, values); turn += 1) {
        await send(document, operation, argumentsFor(operation, values, { side: 'request', all: true, turn }))
      }
    })
  })

  it('hold for all operations that there are', () => {
    expect(titledDocuments.flatMap(([, document]) => titledOperations(document))).toHaveLength(1_499)
  })
})

// --- what is refused ------------------------------------------------------------------------------------------

/** What is thrown, and nothing was sent. */
function refusal(
  { sent, methodOf }: typeof client,
  document: SpecDocument,
  operation: SpecOperation,
  args: Arguments,
): Error {
  sent.length = 0
  let thrown: unknown
  try {
    methodOf(document, operation)(args)
  } catch (error) {
    thrown = error
  }
  expect(sent).toEqual([])
  if (thrown instanceof Error) return thrown
  throw new Error(`${operation.id} takes ${JSON.stringify(args)}`)
}

const without = (args: Arguments, name: string): Arguments =>
  Object.fromEntries(Object.entries(args).filter(([key]) => key !== name))

type Wrong = readonly (readonly [name: string, value: unknown])[]

/** Values that the schemas of the parameters do not allow. */
function wrongOnes({ parameters }: SpecOperation, values: Values): Wrong {
  return parameters.flatMap(({ name, schema }) =>
    wrongValues(values.flat(schema)).map((value) => [name, value] as const),
  )
}

/** The same for the fields of the body, and those missing that it requires; where alternatives are it says less. */
function wrongFields({ body }: SpecOperation, values: Values): Wrong {
  const schema = values.flat(body?.content.get('application/json') ?? {})
  if (schema['oneOf'] !== undefined || schema['anyOf'] !== undefined) return []
  return Object.entries(object(schema['properties'])).flatMap(([name, property]) => {
    const found = values.flat(object(property))
    const isSent = found['readOnly'] !== true
    const isRequired = isSent && list(schema['required']).includes(name)
    const hasForms = found['oneOf'] !== undefined || found['anyOf'] !== undefined
    const wrong = hasForms ? [] : wrongValues(found)
    return [...(isRequired ? [undefined] : []), ...wrong].map((value) => [name, value] as const)
  })
}

describeWithDocuments('wrong arguments', () => {
  describe.each(titledDocuments)('of %s', (_key, document) => {
    const values = valuesOf(document)

    it.each(titledOperations(document))('%s', (_id, operation) => {
      const least: Choice = { side: 'request', all: false, turn: 0 }
      const args = argumentsFor(operation, values, least)
      for (const name of Object.keys(args)) {
        const missing = refusal(client, document, operation, without(args, name))
        expect(missing).toBeInstanceOf(TypeError)
        expect(missing.message).toBe(`args.${name}: is missing`)
        // Nothing takes a function.
        const wrong = refusal(client, document, operation, { ...args, [name]: () => undefined })
        expect(wrong).toBeInstanceOf(TypeError)
        expect(wrong.message).toMatch(`args.${name}: `)
      }
      for (const { name } of operation.parameters.filter((one) => isRequired(one) && isConfigured(one))) {
        const unknown = refusal(unconfigured, document, operation, without({ ...configured, ...args }, name))
        expect(unknown).toBeInstanceOf(ConfigurationError)
        expect(unknown.message).toMatch(`args.${name}: is missing`)
      }
      for (const [name, value] of wrongOnes(operation, values)) {
        const wrong = refusal(client, document, operation, { ...args, [name]: value })
        expect(wrong).toBeInstanceOf(TypeError)
        expect(wrong.message).toMatch(`args.${name}: `)
      }
      for (const [name, value] of wrongFields(operation, values)) {
        const fields = { ...object(args['body']), [name]: value }
        const wrong = refusal(client, document, operation, { ...args, body: fields })
        expect(wrong).toBeInstanceOf(TypeError)
        expect(wrong.message).toContain(`args.body.${name}`)
      }
      const stranger = refusal(client, document, operation, { ...args, noSuchParameter: 1 })
      expect(stranger.message).toBe('args.noSuchParameter: there is no such parameter')
    })
  })
})
