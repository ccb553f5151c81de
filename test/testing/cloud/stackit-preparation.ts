import { createPrivateKey, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { expect } from 'vitest'
import type { StackitCloud } from '../../../src/testing/cloud/index.js'
import { DOCUMENTS, type ServiceDocument } from '../../../src/testing/cloud/stackit/documents.js'
import { hex, sample } from '../../../src/testing/cloud/stackit/samples.js'
import { createSchemas } from '../../../src/testing/cloud/stackit/schemas.js'
import { call, text } from './calls.js'
import { complaints, type RawOperation } from './stackit-documents.js'

// What an operation needs before it can be called: a token, what lies on its path, a query and a body that the document takes.

export async function logIn(stackit: StackitCloud): Promise<string> {
  const answer = await call('POST', stackit.tokenUrl, {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(await grantOf(stackit)).toString(),
  })
  return text(answer.json()['access_token'])
}

/** What buys a token (stackit dossier 4.2). */
export async function grantOf({
  serviceAccountKey,
  privateKeyPem,
}: StackitCloud): Promise<Record<string, string>> {
  const { iss, sub, aud, kid } = serviceAccountKey.credentials
  const assertion = await new SignJWT({ iss, sub, aud, jti: randomUUID() })
    .setProtectedHeader({ alg: 'RS512', kid })
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(createPrivateKey(privateKeyPem))
  return { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }
}

/** Parameters that name what is there already. */
export function fixed(stackit: StackitCloud, service: string): Record<string, string> {
  const { projectId, organizationId, folderId, serviceAccountEmail } = stackit
  return {
    projectId,
    region: 'eu01',
    regionId: 'eu01',
    folderId,
    serviceAccountEmail,
    ...(service === 'scf' ? {} : { organizationId }),
  }
}

/** What else has to be there, by operationId: collections of the project and region, with the parameter that names the member. */
const LINKED: Readonly<Record<string, readonly [collection: string, parameter: string]>> = {
  AddNetworkToServer: ['networks', 'networkId'],
  RemoveNetworkFromServer: ['networks', 'networkId'],
  AddSecurityGroupToServer: ['security-groups', 'securityGroupId'],
  RemoveSecurityGroupFromServer: ['security-groups', 'securityGroupId'],
  AddPublicIpToServer: ['public-ips', 'publicIpId'],
  RemovePublicIpFromServer: ['public-ips', 'publicIpId'],
  AddVolumeToServer: ['volumes', 'volumeId'],
  RemoveVolumeFromServer: ['volumes', 'volumeId'],
}
const NICS = ['AddNicToServer', 'RemoveNicFromServer', 'GetProjectNIC', 'AddPublicIpToServer']
/** States without which an operation is refused. */
const STATES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  StartServer: { status: 'INACTIVE' },
  UnrescueServer: { status: 'RESCUE' },
  CompleteCredentialsRotation: { status: { credentialsRotation: { phase: 'PREPARED' } } },
  RestoreZone: { state: 'DELETE_SUCCEEDED' },
  RestoreRecordSet: { state: 'DELETE_SUCCEEDED' },
  DeleteZone: { state: 'CREATE_SUCCEEDED' },
  DeleteRecordSet: { state: 'CREATE_SUCCEEDED' },
}

/** Puts there what lies on the way to the operation, and what it is about unless it makes it. Returns the URL. */
export function prepare(
  stackit: StackitCloud,
  operation: RawOperation,
  all: readonly RawOperation[],
  run: string,
): string {
  const { service, id } = operation
  const { resources } = stackit
  const document = documentOf(operation)
  const schemas = createSchemas(document)
  const parameters = document.operations[id]!.parameters ?? {}
  const known = fixed(stackit, service)
  const values: Record<string, string> = {}
  const value = (name: string): string => {
    if (known[name] !== undefined) return known[name]
    // Longer ones are taken here, but not by what the answers promise.
    if (name === 'clusterName') return `c-${hex(run, 6)}`
    const schema = parameters[name]?.schema ?? {}
    return String(sample(schemas, schema, { seed: `${run} ${name}`, time: Date.now(), given: {} }, name))
  }
  const parts = operation.path.split('/').slice(1)
  const filled = parts.map((part) =>
    part.replace(/\{(\w+)\}/, (_, name: string) => encodeURIComponent((values[name] = value(name)))),
  )
  const scope = filled.slice(0, Math.max(filled.indexOf('regions') + 2, 3)).join('/')
  const [collection, parameter] = LINKED[id] ?? []
  if (service === 'iaas' && collection !== undefined)
    resources.put(service, `/${scope}/${collection}/${values[parameter!]!}`)
  if (service === 'iaas' && NICS.includes(id)) {
    resources.put(service, `/${scope}/networks/sample`)
    resources.put(service, `/${scope}/networks/sample/nics/${values['nicId'] ?? 'sample'}`)
  }
  // The hierarchy is more than its resources.
  if (service === 'resource-manager') return ''
  for (const [index, part] of parts.entries()) {
    const template = `/${parts.slice(0, index + 1).join('/')}`
    const isLast = index === parts.length - 1
    const methods = all.filter((one) => one.path === template).map(({ method }) => method)
    const name = /\{(\w+)\}/.exec(part)?.[1]
    const isThere = all.some((one) => one.path.startsWith(`${template}/`) || one.path === template)
    const isOnce = isLast && name === undefined && methods.includes('GET') && methods.includes('DELETE')
    const isNew = isLast && (operation.method === 'POST' || id === 'AddVolumeToServer')
    if ((name === undefined && !isOnce) || !isThere || isNew) continue
    const path = `/${filled.slice(0, index + 1).join('/')}`
    if (/^\/[^/]+\/(projects?|organizations|folders)\/[^/]+(\/regions\/[^/]+)?$/.test(path)) continue
    if (isOnce && all.some((one) => one.path.startsWith(`${template}/{`))) continue
    try {
      resources.put(service, path, STATES[id] ?? {})
    } catch (error) {
      // A parameter that names nothing that could be there.
      if (!(error instanceof TypeError)) throw error
    }
  }
  return `${stackit.endpoint(service)}/${filled.join('/')}`
}

export function documentOf(operation: RawOperation): ServiceDocument {
  return DOCUMENTS.of(operation.service).find(({ version }) => version === operation.version)!
}

export function queryOf(operation: RawOperation): string {
  const document = documentOf(operation)
  const schemas = createSchemas(document)
  const query = new URLSearchParams()
  for (const [name, parameter] of Object.entries(document.operations[operation.id]!.parameters ?? {})) {
    const isWanted =
      parameter.required === true || (name === 'member' && operation.service === 'resource-manager')
    if (parameter.in !== 'query' || !isWanted) continue
    const value = sample(
      schemas,
      parameter.schema,
      { seed: name, time: Date.now(), given: {}, items: 1 },
      name,
    )
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one))
  }
  return query.size === 0 ? '' : `?${query.toString()}`
}

export function bodyOf(
  stackit: StackitCloud,
  operation: RawOperation,
  run = operation.id,
): { readonly text: string; readonly type: string } | undefined {
  if (operation.body === undefined) return undefined
  const document = documentOf(operation)
  const schemas = createSchemas(document)
  const schema = document.operations[operation.id]!.body!.schema
  const made = sample(schemas, schema, { seed: run, time: Date.now(), given: {}, isSent: true })
  const value = complete(stackit, operation, made)
  expect(complaints(operation, operation.body.schema, value, 'body')).toBeUndefined()
  return {
    text: JSON.stringify(value),
    type: operation.body.types.find((type) => type.includes('json')) ?? '',
  }
}

/** What a body has to name is put there first. */
function complete(stackit: StackitCloud, operation: RawOperation, body: unknown): unknown {
  const volume = '7a1f0c1e-6a1c-4a53-9d4b-0f3c1f6f2a01'
  const region = operation.path.includes('/regions/') ? '/regions/eu01' : ''
  const scope = `/${operation.version}/projects/${stackit.projectId}${region}`
  if (operation.service === 'iaas' && ['CreateBackup', 'CreateSnapshot'].includes(operation.id)) {
    stackit.resources.put('iaas', `${scope}/volumes/${volume}`)
    return operation.id === 'CreateBackup' ? { source: { type: 'volume', id: volume } } : { volumeId: volume }
  }
  if (operation.service === 'resource-manager' && operation.id.startsWith('Create'))
    return { ...(body as object), containerParentId: stackit.organizationId }
  if (operation.id === 'CreateRecordSet') return { ...(body as object), records: [{ content: '192.0.2.1' }] }
  return body
}

/** Hierarchy and keys are more than resources: they are made through the API. */
export async function prepared(
  stackit: StackitCloud,
  token: string,
  operation: RawOperation,
  all: readonly RawOperation[],
): Promise<string> {
  const { service, id, path } = operation
  const url = prepare(stackit, operation, all, `${service} ${id}`)
  const authorized = { headers: { authorization: `Bearer ${token}` } }
  if (service === 'resource-manager') {
    const collection = path.split('/')[2]!
    const ids: Record<string, string> = {
      organizations: stackit.organizationId,
      folders: stackit.folderId,
      projects: '',
    }
    const members = [{ subject: 'jane@example.org', role: 'owner' }]
    const json = { name: 'sample', containerParentId: stackit.organizationId, members }
    if (path.includes('{') && (collection === 'projects' || collection === 'folders')) {
      const made = await call('POST', `${stackit.endpoint(service)}/v2/${collection}`, {
        ...authorized,
        json,
      })
      ids[collection] = text(made.json()['containerId'])
    }
    return `${stackit.endpoint(service)}${path.replace(/\{\w+\}/, ids[collection]!)}`
  }
  if (service === 'object-storage') {
    const [enable] = /^.*?\/project\/[^/]+(\/regions\/[^/]+)?/.exec(url)!
    await call('POST', enable, authorized)
    return url
  }
  if (id === 'ListNetworkAreaRanges' || id === 'ListVPCNetworkRanges')
    stackit.resources.put(
      service,
      `${new URL(url).pathname.replace('/iaas', '')}/7a1f0c1e-6a1c-4a53-9d4b-0f3c1f6f2a02`,
    )
  if (service === 'service-account') {
    if (id === 'DeleteServiceAccount') {
      const accounts = url.split('/').slice(0, -1).join('/')
      const made = await call('POST', accounts, { ...authorized, json: { name: 'sample' } })
      return `${accounts}/${text(made.json()['email'])}`
    }
    return url.replace(/\/keys\/[^/]+$/, `/keys/${(await stackit.addKey()).serviceAccountKey.id}`)
  }
  return url
}

export async function encrypted(
  token: string,
  url: string,
): Promise<{ readonly text: string; readonly type: string }> {
  const headers = { authorization: `Bearer ${token}` }
  const answer = await call('POST', url.replace(/decrypt$/, 'encrypt'), {
    headers,
    json: { data: 'c2FtcGxl' },
  })
  return { text: answer.text, type: 'application/json' }
}
