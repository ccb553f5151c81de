import { formBody, header, nothing, query, segment, text, unfit } from '../../http/codecs.js'
import type { DecodeContext, HttpResponse, Operation } from '../../http/types.js'
import type { DeployForm } from './deploy-form.js'
import { readDeployment, readDeployments, readParameters } from './deployment-documents.js'
import type { Deployment, DeploymentPage, RuntimeParameter } from './deployment-types.js'
import { commaList } from './xml-values.js'

// Slipstream dossier 4.2, 4.3, 5. The path of a runtime parameter is asked for only where the key is known to exist: the
// server aborts a deployment for the question after a key that it does not have.

const acceptXml = { accept: 'application/xml' }
const acceptText = { accept: 'text/plain' }

/** What addresses one deployment. */
export interface DeploymentArgs {
  readonly id: string
}
interface NodeArgs extends DeploymentArgs {
  readonly node: string
}
interface ParameterArgs extends DeploymentArgs {
  readonly name: string
}

/** One page of the list. */
export interface DeploymentQuery {
  readonly activeOnly: boolean
  readonly offset: number
  /** 1 to 500. */
  readonly limit: number
  readonly cloud?: string | undefined
  readonly moduleResourceUri?: string | undefined
  readonly user?: string | undefined
  readonly runOwner?: string | undefined
}

export const listDeployments: Operation<DeploymentQuery, DeploymentPage> = {
  id: 'slipstream.deployments.list',
  method: 'GET',
  path: '/run',
  success: [200],
  encode: ({ activeOnly, offset, limit, cloud, moduleResourceUri, user, runOwner }) => ({
    path: '/run',
    query: query({
      activeOnly: String(activeOnly),
      offset,
      limit,
      cloud,
      moduleResourceUri,
      user,
      runOwner,
    }),
    headers: acceptXml,
  }),
  decode: readDeployments,
}

export const getDeployment: Operation<DeploymentArgs, Deployment> = {
  id: 'slipstream.deployments.get',
  method: 'GET',
  path: '/run/{id}',
  success: [200],
  encode: ({ id }) => ({ path: runPath(id), headers: acceptXml }),
  decode: readDeployment,
}

/** The same document, read for what else it says of each parameter. */
export const listParameters: Operation<DeploymentArgs, readonly RuntimeParameter[]> = {
  ...getDeployment,
  id: 'slipstream.deployments.parameters',
  decode: readParameters,
}

/** Not idempotent: sent twice it deploys twice. */
export const createDeployment: Operation<DeployForm, string> = {
  id: 'slipstream.deployments.create',
  method: 'POST',
  path: '/run',
  success: [201],
  encode: ({ fields, secrets }) => {
    const { headers, body } = formBody(fields)
    return { path: '/run', headers: { ...acceptXml, ...headers }, body: body ?? '', secrets }
  },
  decode: readCreated,
}

/** Idempotent: a deployment that is over answers the same (5). */
export const terminateDeployment: Operation<DeploymentArgs, void> = {
  id: 'slipstream.deployments.terminate',
  method: 'DELETE',
  path: '/run/{id}',
  success: [204],
  encode: ({ id }) => ({ path: runPath(id), headers: acceptXml }),
  decode: nothing,
}

export const getParameter: Operation<ParameterArgs & { readonly ignoreAbort: boolean }, string> = {
  id: 'slipstream.deployments.getParameter',
  method: 'GET',
  path: '/run/{id}/{name}',
  success: [200],
  encode: ({ id, name, ignoreAbort }) => ({
    path: parameterPath(id, name),
    query: query({ ignoreabort: String(ignoreAbort) }),
    headers: acceptText,
  }),
  decode: text,
}

/** Raises the abort flag. Not idempotent: a second message is refused (5). */
export const abortDeployment: Operation<DeploymentArgs & { readonly message: string }, void> = {
  id: 'slipstream.deployments.abort',
  method: 'PUT',
  path: '/run/{id}/ss:abort',
  success: [200, 204],
  idempotent: false,
  encode: ({ id, message }) => ({
    path: parameterPath(id, 'ss:abort'),
    headers: { ...acceptXml, 'content-type': 'text/plain' },
    body: message,
  }),
  decode: nothing,
}

export const resetAbort: Operation<DeploymentArgs, void> = {
  id: 'slipstream.deployments.resetAbort',
  method: 'DELETE',
  path: '/run/{id}/ss:abort',
  success: [200, 204],
  encode: ({ id }) => ({
    path: parameterPath(id, 'ss:abort'),
    query: 'ignoreabort=true',
    headers: acceptXml,
  }),
  decode: nothing,
}

export const addInstances: Operation<
  NodeArgs & { readonly quantity: number | undefined },
  readonly string[]
> = {
  id: 'slipstream.deployments.addInstances',
  method: 'POST',
  path: '/run/{id}/{node}',
  success: [201],
  encode: ({ id, node, quantity }) => {
    // Without a body the server adds one.
    const { headers, body } = quantity === undefined ? {} : formBody({ n: String(quantity) })
    return {
      path: `${runPath(id)}/${segment(node)}`,
      headers: { ...acceptXml, ...headers },
      ...(body === undefined ? {} : { body }),
    }
  },
  decode: readNames,
}

/** Not idempotent: repeated, it finds the deployment at work and is refused. */
export const removeInstances: Operation<NodeArgs & { readonly ids: readonly number[] }, void> = {
  id: 'slipstream.deployments.removeInstances',
  method: 'DELETE',
  path: '/run/{id}/{node}',
  success: [204],
  idempotent: false,
  encode: ({ id, node, ids }) => {
    const { headers, body } = formBody({ ids: ids.join(',') })
    return {
      path: `${runPath(id)}/${segment(node)}`,
      headers: { ...acceptXml, ...headers },
      body: body ?? '',
    }
  },
  decode: nothing,
}

export const listInstances: Operation<NodeArgs, readonly string[]> = {
  id: 'slipstream.deployments.instances',
  method: 'GET',
  path: '/run/{id}/{node}',
  success: [200],
  encode: ({ id, node }) => ({ path: `${runPath(id)}/${segment(node)}`, headers: acceptText }),
  decode: readNames,
}

function runPath(id: string): string {
  return `/run/${segment(id)}`
}

// The colon of a key may stand as it is.
function parameterPath(id: string, name: string): string {
  return `${runPath(id)}/${segment(name).replaceAll('%3A', ':')}`
}

/** The id is all there is in the answer: the last segment of `Location` (4.2). */
function readCreated(response: HttpResponse, context: DecodeContext): string {
  const id = header(response, 'location')?.split(/[?#]/, 1)[0]?.split('/').filter(Boolean).at(-1)
  if (id === undefined) throw unfit(response, context, ['header location: missing'])
  return id
}

function readNames(response: HttpResponse): readonly string[] {
  return commaList(text(response))
}
