import { createHmac } from 'node:crypto'
import type { Chance } from '../chance.js'
import type { Service } from '../service.js'
import { LOGINS } from './accounts.js'
import { statusBody, type Collection } from './cimi/collections.js'
import type { DocumentStore } from './cimi/store.js'
import { aclOf, ADMIN, ownedBy } from './dialect.js'

const PREFIX = '/object-store'

/** Objects that lie elsewhere and are fetched by a link that needs no cookie: reports of runs (slipstream dossier 8). */
export function createExternalObjects(
  store: DocumentStore,
  chance: Chance,
  cloud: string,
): { readonly collection: Collection; readonly service: Service } {
  const key = chance.bytes(32)
  const contents = new Map<string, string>()
  const signatureOf = (path: string): string => createHmac('sha256', key).update(path).digest('hex')

  const runUUID = chance.uuid()
  const objectName = `${runUUID}/component/machine/report.txt`
  store.add('external-object', {
    id: `external-object/${chance.uuid()}`,
    objectType: 'report',
    state: 'ready',
    runUUID,
    component: 'machine',
    filename: 'report.txt',
    bucketName: 'slipstream-reports',
    objectName,
    contentType: 'text/plain',
    objectStoreCred: { href: `credential/${cloud}-${LOGINS.user.username}` },
    acl: ownedBy(LOGINS.user.username),
  })
  contents.set(`${PREFIX}/slipstream-reports/${objectName}`, 'Everything went well.\n')

  return {
    collection: {
      name: 'external-object',
      acl: aclOf(ADMIN, ['USER', 'ROLE', 'VIEW']),
      actions: {
        download: {
          right: 'view',
          offered: ({ state }) => state === 'ready',
          run({ exchange }, document) {
            const path = `${PREFIX}/${String(document['bucketName'])}/${String(document['objectName'])}`
            const uri = `${exchange.origin}${path}?signature=${signatureOf(path)}`
            return { status: 200, body: { ...statusBody(200, 'download URL generated', document.id), uri } }
          },
        },
      },
    },
    service: {
      prefix: PREFIX,
      handle(exchange) {
        const { method, path, query } = exchange
        const content = contents.get(path)
        const plain = { 'Content-Type': 'text/plain' }
        if (method !== 'GET' && method !== 'HEAD') exchange.send(405, plain, 'Method Not Allowed')
        else if (query.get('signature') !== signatureOf(path)) exchange.send(403, plain, 'Access Denied')
        else if (content === undefined) exchange.send(404, plain, 'No Such Key')
        else exchange.send(200, plain, content)
      },
    },
  }
}
