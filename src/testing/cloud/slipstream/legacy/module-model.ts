import type { Caller } from '../tools.js'

export type ModuleCategory = 'Project' | 'Image' | 'Deployment'
export type Right = 'Get' | 'Put' | 'Post' | 'Delete' | 'CreateChildren'
export const RIGHTS: readonly Right[] = ['Get', 'Put', 'Post', 'Delete', 'CreateChildren']

export interface Authz {
  readonly owner: string
  readonly group: readonly Right[]
  readonly public: readonly Right[]
  readonly ownerRights: readonly Right[]
  readonly inheritedGroupMembers: boolean
  readonly groupMembers: readonly string[]
}

export interface ModuleParameter {
  readonly name: string
  /** `General`, `Input`, `Output`, `Execution_Parameters`, `Cloud`, or the name of a cloud. */
  readonly category: string
  readonly description: string
  readonly type: string
  readonly mandatory: boolean
  readonly readonly: boolean
  readonly value: string
  readonly defaultValue: string
  readonly enumValues: readonly string[]
  readonly instructions: string
}

export interface ImagePart {
  readonly isBase: boolean
  readonly loginUser: string
  readonly platform: string
  readonly moduleReferenceUri: string
  readonly targets: readonly { readonly name: string; readonly script: string }[]
  readonly packages: readonly { readonly name: string; readonly repository: string; readonly key: string }[]
  readonly prerecipe: string
  readonly recipe: string
  /** Grows by builds. */
  readonly cloudImageIdentifiers: Map<string, string>
  /** What Output parameters become, with `{ip}` and the names of other parameters in braces: of seeds only. */
  readonly outputs: Readonly<Record<string, string>>
}

export interface ModuleNode {
  readonly name: string
  readonly multiplicity: number
  readonly maxProvisioningFailures: number
  readonly cloudService: string
  readonly imageUri: string
  readonly network: string
  /** By parameter: `'text'` in quotes, or `node:parameter` that it follows. */
  readonly mappings: ReadonlyMap<string, string>
}

/** What one writes; the rest is the server's. */
export interface ModuleContent {
  readonly category: ModuleCategory
  /** Without `module/` and without a version. */
  readonly path: string
  readonly description: string
  readonly logoLink: string
  readonly authz: Authz
  readonly author: string
  readonly comment: string
  readonly parameters: readonly ModuleParameter[]
  readonly image?: ImagePart
  readonly nodes?: readonly ModuleNode[]
}

export interface ModuleVersion extends ModuleContent {
  readonly version: number
  readonly creation: number
  readonly lastModified: number
  deleted: boolean
  published: number | undefined
}

export const shortName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
export const parentPath = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0))
/** `module/a/b/3` */
export const resourceUri = (module: ModuleVersion): string => `module/${module.path}/${module.version}`

export function mayDo(caller: Caller, right: Right, { authz }: ModuleContent): boolean {
  return (
    caller.privileged ||
    (caller.username === authz.owner && authz.ownerRights.includes(right)) ||
    (authz.groupMembers.includes(caller.username) && authz.group.includes(right)) ||
    authz.public.includes(right)
  )
}

/** `a/b/3` into path and version. */
export function splitVersion(path: string): { readonly path: string; readonly version: number | undefined } {
  const match = /^(.+)\/(\d+)$/.exec(path)
  return match?.[1] === undefined
    ? { path, version: undefined }
    : { path: match[1], version: Number(match[2]) }
}
