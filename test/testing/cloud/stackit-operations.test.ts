import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud } from '../../../src/testing/cloud/index.js'
import { describeWithDocuments } from '../../api-documents.js'
import { call } from './calls.js'
import { complaints, readDocuments, type RawOperation } from './stackit-documents.js'
import { bodyOf, encrypted, grantOf, logIn, prepared, queryOf } from './stackit-preparation.js'

// Every operation of every document is called over HTTP, and its answer held against the document itself.

let cloud: EmbeddedCloud
let token: string
beforeAll(async () => {
  cloud = await startCloud({ clouds: ['stackit'], clock: { manual: true }, seed: 1 })
  token = await logIn(cloud.stackit)
})
afterAll(() => cloud.close())

async function bodyFor(operation: RawOperation, url: string): Promise<ReturnType<typeof bodyOf>> {
  if (operation.id === 'Decrypt') return encrypted(token, url)
  if (operation.id !== 'CreateShortLivedAccessToken') return bodyOf(cloud.stackit, operation)
  const form = new URLSearchParams(await grantOf(cloud.stackit))
  return { text: form.toString(), type: 'application/x-www-form-urlencoded' }
}

describeWithDocuments('every operation', () => {
  describe.each(readDocuments())('$service $version', ({ operations }) => {
    it.each(operations.map((operation) => [operation.id, operation] as const))(
      '%s',
      async (_id, operation) => {
        const url = await prepared(cloud.stackit, token, operation, operations)
        const body = await bodyFor(operation, url)
        const answer = await call(operation.method, `${url}${queryOf(operation)}`, {
          headers: {
            authorization: `Bearer ${token}`,
            ...(body === undefined ? {} : { 'content-type': body.type }),
          },
          ...(body === undefined ? {} : { body: body.text }),
        })
        expect([...operation.answers.keys()], answer.text).toContain(answer.status)
        const { types, schema } = operation.answers.get(answer.status)!
        if (schema === undefined || types.length === 0) {
          expect(answer.text).toBe('')
          return
        }
        const type = String(answer.headers['content-type']).split(';')[0]!
        expect(types).toContain(type)
        if (!type.includes('json')) return
        expect(
          complaints(operation, schema, answer.json(), `answer ${String(answer.status)}`),
          answer.text,
        ).toBeUndefined()
      },
    )
  })
})
