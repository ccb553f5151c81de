// What `/run` tells (slipstream dossier 4.2 and 5). Attributes keep the names of the wire; what its two documents call `state` and
// `status` is `state` in both.

/** The spelling of the server; a state that is not known here counts as one on the way. */
export type DeploymentState =
  | 'Initializing'
  | 'Provisioning'
  | 'Executing'
  | 'SendingReports'
  | 'Ready'
  | 'Finalizing'
  | 'Done'
  | 'Cancelled'
  | 'Aborted'
  | 'Unknown'
  | (string & {})

/** A deployment as the list has it. */
export interface DeploymentItem {
  readonly uuid: string
  readonly state: DeploymentState
  /** Message of the abort flag; empty while it is not raised. */
  readonly abort: string
  /** `module/<path>/<version>` */
  readonly moduleResourceUri?: string
  readonly resourceUri?: string
  /** `Run` deploys a component, `Orchestration` an application, `Machine` builds an image. */
  readonly type?: 'Run' | 'Orchestration' | 'Machine' | (string & {})
  readonly clouds: readonly string[]
  readonly username?: string
  readonly tags: readonly string[]
  readonly serviceUrl?: string
  readonly startTime?: string
  /** Machines that run; absent in an item that was made of a whole deployment. */
  readonly activeVm?: number
}

/** One machine of a deployment. */
export interface DeploymentInstance {
  /** `worker.1`, `machine` for a component, `orchestrator-<cloud>`. */
  readonly name: string
  /** The application's node, or the name where there is none. */
  readonly node: string
  /** Number within the node. */
  readonly id?: number
  readonly isOrchestrator: boolean
  /** Whether it has completed the present state of the deployment. */
  readonly complete: boolean
  /** What it says of its progress. */
  readonly statecustom?: string
  readonly vmstate?: string
  readonly scaleState?: string
  readonly abort?: string
  readonly hostname?: string
  readonly instanceid?: string
  readonly cloudservice?: string
  readonly serviceUrl?: string
  readonly sshUrl?: string
}

/** A node of an application. */
export interface DeploymentNode {
  readonly name: string
  /** Numbers of the instances there are; those that were removed are not among them. */
  readonly ids: readonly number[]
  readonly multiplicity?: number
  readonly maxProvisioningFailures?: number
}

/** A deployment with all that is known of it. */
export interface Deployment {
  readonly uuid: string
  readonly state: DeploymentState
  /** Message of the abort flag; empty while it is not raised. It does not change the state (dossier 5). */
  readonly abort: string
  readonly category?: 'Image' | 'Deployment' | (string & {})
  /** `Run` deploys a component, `Orchestration` an application, `Machine` builds an image. */
  readonly type?: 'Run' | 'Orchestration' | 'Machine' | (string & {})
  readonly resourceUri?: string
  /** `module/<path>/<version>` */
  readonly moduleResourceUri?: string
  readonly clouds: readonly string[]
  readonly user?: string
  /** Whether instances may be added and removed. */
  readonly mutable: boolean
  readonly deleted?: boolean
  readonly keepRunning?: string
  /** Whether an abort while machines were started made the rest of the course skip its scripts. */
  readonly recoveryMode: boolean
  readonly tags: readonly string[]
  /** `ss:url.service`, as soon as it is known. */
  readonly serviceUrl?: string
  /** Times as the server writes them: `2019-03-29 09:23:10.7 UTC`, milliseconds without leading zeros (dossier 7). */
  readonly startTime?: string
  readonly lastStateChangeTime?: string
  /** Once it is over. */
  readonly endTime?: string
  readonly creation?: string
  /** Names of all instances, those that were removed included. */
  readonly nodeNames: readonly string[]
  /** Nodes of an application; none for a component. */
  readonly nodes: readonly DeploymentNode[]
  /** Machines by node and number, orchestrators last. */
  readonly instances: readonly DeploymentInstance[]
  /** Images of the deployed component by cloud, as far as the document has them. */
  readonly cloudImageIdentifiers: Readonly<Record<string, string>>
  /**
   * Runtime parameters by key; `undefined` is one that is not set, and a key that is not `in` here is one that there is not.
   * Passwords and keys are readable, but not enumerable: they are neither printed nor copied.
   */
  readonly runtimeParameters: Readonly<Record<string, string | undefined>>
}

/** A runtime parameter of a deployment. */
export interface RuntimeParameter {
  readonly key: string
  /** Absent while it is not set; not enumerable if its name promises a secret. */
  readonly value?: string
  /** `Global` for keys of `ss`, else what is in front of the colon. */
  readonly group?: string
  readonly description?: string
  readonly type?: string
  readonly isSet?: boolean
  readonly mapsOthers?: boolean
  readonly isMappedValue?: boolean
  readonly mappedRuntimeParameterNames?: readonly string[]
  readonly creation?: string
}

/** One page of the list. */
export interface DeploymentPage {
  /** Of all pages. */
  readonly totalCount?: number
  readonly items: readonly DeploymentItem[]
}
