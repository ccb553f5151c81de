import { lastValueFrom } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { describeWithDocuments } from '../api-documents.js'
import { bodyOf, encrypted, grantOf, prepared, queryOf } from '../testing/cloud/stackit-preparation.js'
import type { SpecDocument, SpecOperation } from './open-api.js'
import { argumentsOf, failed, rawOperation, standard, useEmbeddedStackit } from './stackit-embedded.js'
import { methodNameOf, titledOperations, type Method } from './stackit-services.js'
import { valuesOf } from './values.js'

// Every operation of every service in its usual version, through the client, over HTTP, on the embedded cloud.

const site = useEmbeddedStackit()

async function target(
  document: SpecDocument,
  operation: SpecOperation,
): Promise<{ readonly url: URL; readonly body: unknown }> {
  const { cloud, token } = site
  const { raw, all } = rawOperation(document, operation)
  const place = await prepared(cloud.stackit, token, raw, all)
  const url = new URL(place + queryOf(raw))
  if (raw.id === 'CreateShortLivedAccessToken') return { url, body: await grantOf(cloud.stackit) }
  const made = bodyOf(cloud.stackit, raw)
  const body = raw.id === 'Decrypt' ? await encrypted(token, place) : made
  return { url, body: body === undefined ? undefined : JSON.parse(body.text) }
}

describeWithDocuments('round trips', () => {
  describe.each(standard)('of %s', (key, document) => {
    const values = valuesOf(document)

    it.each(titledOperations(document))('%s', async (_id, operation) => {
      const { url, body } = await target(document, operation)
      const args = { ...argumentsOf(operation, url, values), ...(body === undefined ? {} : { body }) }
      const service = site.client[key] as Readonly<Record<string, Method>>
      const method = service[methodNameOf(document, operation)] ?? failed(operation.id)
      await lastValueFrom(method(args))
      const request = site.cloud.requests().at(-1)
      expect(request?.method).toBe(operation.method)
      expect(request?.defect).toBeUndefined()
      expect([...operation.responses.keys()]).toContain(String(request?.status))
    })
  })

  it('are made by all operations', () => {
    expect(standard.flatMap(([, document]) => titledOperations(document))).toHaveLength(983)
  })
})
