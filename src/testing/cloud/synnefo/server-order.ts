import type { User } from '../service.js'
import type { Chance } from '../chance.js'
import {
  ApiFault,
  badRequest,
  conflict,
  forbidden,
  isObject,
  itemNotFound,
  malformedRequest,
  notImplemented,
  overLimit,
  type JsonObject,
} from './answers.js'
import type { Flavor, Image } from './seeds.js'
import type { ServerOrder } from './servers.js'
import type { SynnefoState } from './state.js'

const MAX_NAME = 255
const MAX_METADATA = 10
const MAX_PORTS = 8
const MAX_PERSONALITY = 5
const MAX_PERSONALITY_BYTES = 10_240
const MAX_TAGS = 50

/** Checks the request of `POST servers` and says what to build (synnefo dossier 6.4). */
export function readServerOrder(state: SynnefoState, user: User, request: JsonObject): ServerOrder {
  const name = readName(request['name'])
  const projectId = readProject(state, user, request['project'])
  const metadata = new Map<string, string>()
  mergeMetadata(metadata, request['metadata'] ?? {})
  checkPersonality(request['personality'])
  checkUserData(request['user_data'])
  const flavor = readFlavor(state, request['flavorRef'], projectId)
  if (!flavor.allowCreate) throw forbidden('It is not allowed to create a server from this flavor.')
  return {
    name,
    userId: user.id,
    projectId,
    sharedToProject: request['shared_to_project'] === true,
    flavor,
    image: readImage(state, user, request),
    metadata,
    tags: readTags(request['tags'] ?? []),
    keyNames: readKeyNames(state, user, request),
    password: readPassword(request['adminPass'], state.chance),
    publicAddress: readNetworks(state, request['networks']),
  }
}

export function readName(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw malformedRequest()
  if (value.length > MAX_NAME) throw badRequest(`Name is too long: at most ${String(MAX_NAME)} characters.`)
  return value
}

/** The project that pays; the user's own one when none is named. */
function readProject(state: SynnefoState, user: User, value: unknown): string {
  if (value === undefined || value === null) return user.id
  if (typeof value !== 'string') throw malformedRequest()
  return state.quotas.projectFor(user.id, value).id
}

/** Adds items to the metadata, or throws and changes nothing. */
export function mergeMetadata(metadata: Map<string, string>, value: unknown): void {
  if (!isObject(value)) throw malformedRequest()
  const merged = new Map(metadata)
  for (const [key, item] of Object.entries(value)) {
    if (typeof item !== 'string') throw malformedRequest()
    if (key.length > 50) throw badRequest('Metadata key is too long: at most 50 characters.')
    if (item.length > 500) throw badRequest('Metadata value is too long: at most 500 characters.')
    merged.set(key, item)
  }
  if (merged.size > MAX_METADATA) throw badRequest(`More than ${String(MAX_METADATA)} metadata items.`)
  for (const [key, item] of merged) metadata.set(key, item)
}

export function readFlavor(state: SynnefoState, value: unknown, projectId: string): Flavor {
  const id = String(value)
  if ((typeof value !== 'string' && typeof value !== 'number') || !/^\d+$/.test(id)) {
    throw badRequest('Invalid flavor ID.')
  }
  const flavor = state.flavors.find((candidate) => String(candidate.id) === id)
  if (flavor === undefined) throw itemNotFound('Flavor not found.')
  if (!flavor.isPublic && !flavor.access.includes(projectId)) {
    throw forbidden(`The project has no access to flavor '${id}'.`)
  }
  return flavor
}

export function isVisible(image: Image, user: User): boolean {
  return !image.deleted && (image.isPublic || image.ownerId === user.id)
}

function readImage(state: SynnefoState, user: User, request: JsonObject): Image {
  if (!('imageRef' in request)) throw malformedRequest()
  const imageId = request['imageRef'] ?? ''
  if (typeof imageId !== 'string') throw malformedRequest()
  const sources = readDevices(request['block_device_mapping_v2'])
  const [source] = sources
  if (imageId === '' && source === undefined) throw malformedRequest()
  if (imageId !== '' && source !== undefined && source !== imageId) {
    throw badRequest("The specified server's image is different from the the source of the first volume.")
  }
  const image = state.images.get(source ?? imageId)
  if (image === undefined || !isVisible(image, user)) throw itemNotFound('Image not found.')
  return image
}

/** Ids of the images that the devices are filled from. */
function readDevices(value: unknown): readonly string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw malformedRequest()
  return value.flatMap((device: unknown, index): string[] => {
    if (!isObject(device)) throw malformedRequest()
    const { source_type: type, uuid } = device
    if (type === 'blank' && index > 0) return []
    if (type === 'image' && typeof uuid === 'string') return [uuid]
    if (type === 'volume' || type === 'snapshot') throw notImplemented('This cloud has no volumes yet.')
    throw badRequest('Invalid block device mapping.')
  })
}

/** Whether the server gets a public address: the cloud's default unless the request says otherwise. */
function readNetworks(state: SynnefoState, value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (!Array.isArray(value)) throw malformedRequest()
  if (value.length > MAX_PORTS) throw badRequest('Maximum ports per server limit reached')
  for (const network of value as unknown[]) {
    if (!isObject(network)) throw malformedRequest()
    if ('port' in network) throw itemNotFound('Port not found.')
    if (network['uuid'] !== state.addresses.networkId) throw itemNotFound('Network not found.')
    // Floating IPs come with the network service: nobody has one yet.
    throw conflict(`Cannot find an unused floating IP in network ${state.addresses.networkId}.`)
  }
  return false
}

function checkPersonality(value: unknown): void {
  if (value === undefined || value === null) return
  if (!Array.isArray(value)) throw malformedRequest()
  if (value.length > MAX_PERSONALITY) throw overLimit('Maximum number of personalities exceeded')
  const known = ['path', 'contents', 'owner', 'group', 'mode']
  for (const file of value as unknown[]) {
    if (!isObject(file) || Object.keys(file).some((key) => !known.includes(key))) {
      throw badRequest('Malformed personality in request')
    }
    const { path, contents, mode } = file
    if (typeof path !== 'string' || typeof contents !== 'string') {
      throw badRequest('Malformed personality in request')
    }
    if (mode !== undefined && typeof mode !== 'number') throw badRequest('Malformed personality in request')
    const bytes = decodeBase64(contents)
    if (bytes === undefined) throw badRequest('Malformed personality in request')
    if (contents.length > MAX_PERSONALITY_BYTES || bytes.length > MAX_PERSONALITY_BYTES) {
      throw overLimit('Maximum size of personality exceeded')
    }
  }
}

function checkUserData(value: unknown): void {
  if (value === undefined || value === null || value === '') return
  if (typeof value !== 'string' || decodeBase64(value) === undefined) {
    throw badRequest('Marformed user_data request')
  }
}

/** Standard base64 with its padding, or nothing. */
function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

export function readTags(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw malformedRequest()
  const tags = new Set((value as unknown[]).map(checkTag))
  checkTagCount(tags.size)
  return [...tags]
}

export function checkTagCount(count: number): void {
  if (count > MAX_TAGS) throw badRequest(`A server can have at most ${String(MAX_TAGS)} tags.`)
}

export function checkTag(tag: unknown): string {
  if (typeof tag !== 'string' || tag === '') throw badRequest('Malformed tag.')
  if (tag.length > 60) throw badRequest('Tag is too long: at most 60 characters.')
  if (/[/,]/.test(tag)) throw badRequest("A tag cannot have '/' or ',' in it.")
  return tag
}

function readKeyNames(state: SynnefoState, user: User, request: JsonObject): readonly string[] {
  const single: unknown = request['key_name'] ?? undefined
  const several: unknown = request['SNF:key_names'] ?? undefined
  if (single !== undefined && Array.isArray(several) && several.length > 0) {
    throw badRequest('Only one of key_name and SNF:key_names can be given.')
  }
  const names: unknown = single === undefined ? (several ?? []) : [single]
  if (!Array.isArray(names)) throw malformedRequest()
  return (names as unknown[]).map((name) => {
    if (typeof name !== 'string') throw malformedRequest()
    if (!state.keyPairs.has(`${user.id} ${name}`)) throw itemNotFound(`Key pair '${name}' not found.`)
    return name
  })
}

function readPassword(value: unknown, chance: Chance): string {
  if (value === undefined || value === null) return randomPassword(chance)
  const good =
    typeof value === 'string' &&
    value.length >= 10 &&
    /[a-z]/.test(value) &&
    /[A-Z]/.test(value) &&
    /\d/.test(value)
  if (!good) {
    throw new ApiFault(
      400,
      'badRequest',
      'adminPass needs 10 characters with upper case, lower case and digit.',
    )
  }
  return value
}

function randomPassword(chance: Chance): string {
  const pool = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
  const letters = [...chance.bytes(7)].map((byte) => pool.charAt(byte % pool.length))
  return `${letters.join('')}aZ7`
}
