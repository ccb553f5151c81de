import { z } from 'zod'
import { ResponseFormatError } from '../../../errors.js'
import type { Api } from '../../../http/api.js'
import type { CimiResource } from '../cimi.js'
import { isSecretParameter } from '../secret-parameters.js'

// Slipstream dossier, appendix N. Names are those of the wire; unknown states and fields are let through.

/** `(string & {})` keeps the known ones as suggestions without closing the list. */
type Open<T extends string> = T | (string & {})

export type NuvlaJobState = Open<'QUEUED' | 'RUNNING' | 'SUCCESS' | 'FAILED' | 'CANCELED'>

export type NuvlaDeploymentState = Open<
  | 'CREATED'
  | 'PENDING'
  | 'STARTING'
  | 'STARTED'
  | 'UPDATING'
  | 'UPDATED'
  | 'STOPPING'
  | 'STOPPED'
  | 'PAUSING'
  | 'PAUSED'
  | 'SUSPENDING'
  | 'SUSPENDED'
  | 'ERROR'
>

interface Reference {
  readonly href?: string
  readonly [field: string]: unknown
}

/** Work that the server, or an edge device, does for a resource. */
export interface NuvlaJob extends CimiResource {
  readonly state: NuvlaJobState
  /** 0 to 100; 100 when it is over, however that was. */
  readonly progress?: number
  /** `start_deployment`, `stop_deployment`, `update_deployment` … */
  readonly action?: string
  readonly 'target-resource'?: Reference
  readonly 'affected-resources'?: readonly Reference[]
  readonly 'status-message'?: string
  readonly 'return-code'?: number
  /** ISO 8601. */
  readonly 'time-of-status-change'?: string
  /** ISO 8601. */
  readonly started?: string
  /** Seconds, when it is over. */
  readonly duration?: number
  readonly 'execution-mode'?: Open<'push' | 'pull' | 'mixed'>
  readonly 'parent-job'?: string
  readonly 'nested-jobs'?: readonly string[]
  /** 0 to 999. */
  readonly priority?: number
  readonly version?: number
}

export interface NuvlaModule extends Reference {
  readonly id?: string
  readonly name?: string
  readonly path?: string
  readonly content?: {
    /** Pairs of a name and an address in which `${parameter}` stands for a deployment parameter. */
    readonly urls?: readonly (readonly [name: string, template: string])[]
    readonly [field: string]: unknown
  }
}

export interface NuvlaDeployment extends CimiResource {
  readonly state: NuvlaDeploymentState
  readonly module?: NuvlaModule
  /** The credential of the infrastructure that it runs on: `credential/…`. */
  readonly parent?: string
  readonly 'execution-mode'?: Open<'push' | 'pull' | 'mixed'>
  readonly tags?: readonly string[]
}

/** A deployment as `watchAll` tells of it. */
export type NuvlaDeploymentItem = Pick<
  NuvlaDeployment,
  'id' | 'state' | 'name' | 'description' | 'parent' | 'tags' | 'created' | 'updated' | 'execution-mode'
>

/** A value that a deployment made known. */
export interface NuvlaDeploymentParameter extends CimiResource {
  readonly name: string
  /** Absent while it is not set; not enumerable if its name promises a secret. */
  readonly value?: string
  /** The node of the deployment that it belongs to. */
  readonly 'node-id'?: string
}

/** An address at which a deployment serves. */
export interface NuvlaDeploymentUrl {
  readonly name: string
  readonly url: string
}

// --- what is relied on, and what is known -----------------------------------------------------------------------

const steeringJob = z.looseObject({
  id: z.string().min(1),
  state: z.string(),
  progress: z.number().nullish(),
  'status-message': z.string().nullish(),
})
const describedJob = steeringJob.extend({
  action: z.string().optional(),
  'target-resource': z.looseObject({ href: z.string().optional() }).optional(),
  'affected-resources': z.array(z.looseObject({ href: z.string().optional() })).optional(),
  'return-code': z.number().optional(),
  'time-of-status-change': z.string().optional(),
  started: z.string().optional(),
  duration: z.number().optional(),
  'execution-mode': z.string().optional(),
  'parent-job': z.string().optional(),
  'nested-jobs': z.array(z.string()).optional(),
  priority: z.number().optional(),
  version: z.number().optional(),
})

const steeringDeployment = z.looseObject({ id: z.string().min(1), state: z.string() })
const describedDeployment = steeringDeployment.extend({
  name: z.string().optional(),
  description: z.string().optional(),
  parent: z.string().optional(),
  tags: z.array(z.string()).optional(),
  'execution-mode': z.string().optional(),
  module: z
    .looseObject({
      href: z.string().optional(),
      content: z.looseObject({ urls: z.array(z.tuple([z.string(), z.string()])).optional() }).optional(),
    })
    .optional(),
})

const steeringParameter = z.looseObject({ name: z.string(), value: z.string().nullish() })
const describedParameter = steeringParameter.extend({
  parent: z.string().optional(),
  'node-id': z.string().optional(),
})

// --- reading ----------------------------------------------------------------------------------------------------

/** Checks what came as a resource of no particular kind. */
export type Read<T> = (resource: CimiResource) => T

export function jobReader(api: Api): Read<NuvlaJob> {
  return reader(api, 'nuvla.jobs.read', steeringJob, describedJob)
}

export function deploymentReader(api: Api): Read<NuvlaDeployment> {
  const read = reader<NuvlaDeployment>(api, 'nuvla.deployments.read', steeringDeployment, describedDeployment)
  // unverified: the key and the secret with which the deployment itself speaks to the cloud.
  return (resource) => hidden(read(resource), 'api-credentials')
}

export function parameterReader(api: Api): Read<NuvlaDeploymentParameter> {
  const read = reader<NuvlaDeploymentParameter>(
    api,
    'nuvla.deployments.parameters',
    steeringParameter,
    describedParameter,
  )
  return (resource) => {
    const parameter = read(resource)
    return isSecretParameter(parameter.name) ? hidden(parameter, 'value') : parameter
  }
}

/** As `json` does for whole answers: what is relied on is required, the rest is only reported. */
function reader<T>(api: Api, operation: string, steering: z.ZodType, described: z.ZodType): Read<T> {
  const { cloud, strict, traffic } = api
  const unfit = (error: z.ZodError): ResponseFormatError => {
    const issues = issuesOf(error)
    const message = `${operation}: a resource is not what the protocol says: ${issues.join('; ')}`
    return new ResponseFormatError(message, { cloud, operation, issues })
  }
  return (resource) => {
    const required = steering.safeParse(resource)
    if (!required.success) throw unfit(required.error)
    if (strict || traffic.observed) {
      const complete = described.safeParse(resource)
      if (!complete.success) {
        if (traffic.observed) traffic.emit({ kind: 'drift', operation, issues: issuesOf(complete.error) })
        if (strict) throw unfit(complete.error)
      }
    }
    return resource as unknown as T
  }
}

function issuesOf({ issues }: z.ZodError): string[] {
  return issues.map(({ path, message }) => `${path.map(String).join('.') || 'resource'}: ${message}`)
}

/** Readable by name, but not printed, copied or serialised by accident. */
function hidden<T extends object>(resource: T, field: string): T {
  return field in resource ? Object.defineProperty(resource, field, { enumerable: false }) : resource
}
