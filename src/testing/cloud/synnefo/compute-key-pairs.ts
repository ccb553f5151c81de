import { createHash, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { ApiFault, badRequest, conflict, itemNotFound, readJsonObject } from './answers.js'
import type { KeyPair, SynnefoState } from './state.js'
import { fullKeyPair, shortKeyPair } from './views.js'
import type { UserRoutes } from './user-routes.js'

const MAX_KEY_PAIRS = 20
const generate = promisify(generateKeyPair)

/** SSH key pairs (synnefo dossier 7). */
export function routeKeyPairs(routes: UserRoutes, state: SynnefoState): void {
  let lastId = 0
  const pairsOf = (userId: string): readonly KeyPair[] =>
    [...state.keyPairs.values()].filter((pair) => pair.userId === userId)
  const pairFor = (userId: string, name = ''): KeyPair => {
    const pair = state.keyPairs.get(`${userId} ${name}`)
    if (pair === undefined) throw itemNotFound('Keypair not found.')
    return pair
  }
  routes.collection('GET', '/os-keypairs', (exchange, user) => {
    exchange.json(200, { keypairs: pairsOf(user.id).map((pair) => ({ keypair: shortKeyPair(pair) })) })
  })
  routes.collection('POST', '/os-keypairs', async (exchange, user) => {
    const { name, public_key: given } = await readJsonObject(exchange, 'keypair')
    if (typeof name !== 'string' || !/^[\w .@-]{1,255}$/.test(name)) throw badRequest('Invalid keypair name.')
    if (state.keyPairs.has(`${user.id} ${name}`)) throw conflict(`A keypair named '${name}' exists already.`)
    if (pairsOf(user.id).length >= MAX_KEY_PAIRS) {
      throw new ApiFault(500, 'internalServerError', 'SSH keys limit exceeded')
    }
    const made = given === undefined || given === null ? await generateSshKey() : undefined
    const publicKey = made?.publicKey ?? given
    const blob = typeof publicKey === 'string' ? keyBlob(publicKey) : undefined
    if (typeof publicKey !== 'string' || blob === undefined) throw badRequest('Invalid public key.')
    const pair: KeyPair = {
      id: ++lastId,
      userId: user.id,
      name,
      fingerprint: fingerprintOf(blob),
      publicKey,
      created: state.wallNow(),
    }
    state.keyPairs.set(`${user.id} ${name}`, pair)
    const secret = made === undefined ? {} : { private_key: made.privateKey }
    exchange.json(201, { keypair: { ...shortKeyPair(pair), ...secret } })
  })
  routes.item('GET', '/os-keypairs/:name', (exchange, user, params) => {
    exchange.json(200, { keypair: fullKeyPair(pairFor(user.id, params['name'])) })
  })
  routes.item('DELETE', '/os-keypairs/:name', (exchange, user, params) => {
    const pair = pairFor(user.id, params['name'])
    state.keyPairs.delete(`${user.id} ${pair.name}`)
    exchange.send(204)
  })
}

function keyBlob(publicKey: string): Buffer | undefined {
  const [type = '', text = ''] = publicKey.trim().split(/\s+/)
  const blob = Buffer.from(text, 'base64')
  // The key's type is spelt out again inside.
  return /^(ssh|ecdsa)-[\w@.-]+$/.test(type) && blob.subarray(4, 4 + type.length).toString('latin1') === type
    ? blob
    : undefined
}

function fingerprintOf(blob: Buffer): string {
  return createHash('md5')
    .update(blob)
    .digest('hex')
    .replace(/(..)(?=.)/g, '$1:')
}

async function generateSshKey(): Promise<{ readonly publicKey: string; readonly privateKey: string }> {
  const { publicKey, privateKey } = await generate('rsa', { modulusLength: 2048 })
  return {
    publicKey: `ssh-rsa ${sshBlob(publicKey).toString('base64')} generated`,
    privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
  }
}

function sshBlob(key: KeyObject): Buffer {
  const { e = '', n = '' } = key.export({ format: 'jwk' })
  const fields = [Buffer.from('ssh-rsa'), integer(e), integer(n)]
  return Buffer.concat(
    fields.flatMap((field) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(field.length)
      return [length, field]
    }),
  )
}

/** A leading zero keeps a number with its highest bit set positive. */
function integer(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, 'base64url')
  return (bytes[0] ?? 0) >= 128 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes
}
