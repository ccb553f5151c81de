import type { CallOptions } from '../../../http/types.js'
import type { CopyOptions, InfoOptions, ObjectInfoOptions, WriteConditions } from '../storage/options.js'
import type {
  AccountChanges,
  ContainerChanges,
  ContainerSettings,
  NewObjectOptions,
  ObjectChanges,
  ObjectFilter,
  PageFilter,
  Sharing,
} from '../storage/schemas.js'

/** A moment in the past. */
export interface Past {
  /** Whole seconds since the epoch: as it was then (pithos dossier 12). */
  readonly until?: number
}

/** How an account or a container is looked at. */
export interface PithosInfoOptions extends InfoOptions, Past {}

/** What can be changed with an account. */
export interface PithosAccountChanges extends AccountChanges {
  /**
   * UUIDs of the members by the name of the group, which has no `-` and no `_` in it; `null` removes a group. With
   * `replace`, groups that are not named are removed if any is.
   */
  readonly groups?: Readonly<Record<string, readonly string[] | null>>
}

/** Which containers are listed. */
export interface PithosContainerFilter extends PageFilter, Past {
  /** UUID of somebody else: what is shared with the user. Default: the user's own. */
  readonly account?: string
  /** Only those with something in them that is shared. */
  readonly shared?: boolean
  /** Only those with something in them that is published. */
  readonly public?: boolean
}

/** What a container can be created with. */
export interface PithosContainerSettings extends ContainerSettings {
  /** UUID of the project that is charged. Default: the user's own. */
  readonly project?: string
}

/** What can be changed with a container. */
export interface PithosContainerChanges extends ContainerChanges {
  /** UUID of the project that is charged from now on. */
  readonly project?: string
}

/** Which objects are listed. With `until` they come without the time of their change and without their sharing. */
export interface PithosObjectFilter extends ObjectFilter, Past {
  /** Objects right in this folder, without folders below it. In place of `prefix` and `delimiter`. */
  readonly path?: string
  readonly shared?: boolean
  readonly public?: boolean
  /**
   * Only objects whose metadata meet all of these: `'key'` has it, `'!key'` has it not, `'key=value'`, also with `!=`, `<`, `<=`,
   * `>`, `>=`.
   */
  readonly meta?: readonly string[]
}

/** What can be changed with an object besides its content. */
export interface PithosObjectChanges extends ObjectChanges {
  /** `null`: with nobody. Only for the owner. */
  readonly sharing?: Sharing | null
  /** Whether anybody may read it at its public address. */
  readonly public?: boolean
}

/** How an object of Pithos is looked at. */
export interface VersionOptions extends ObjectInfoOptions {
  readonly version?: number
}

/** How an object is copied or moved. */
export interface PithosCopyOptions extends CopyOptions, NewObjectOptions {
  readonly version?: number
  /** Objects below `name/` as well. */
  readonly recursive?: boolean
  /** Only if this is the entity tag of the source. Not together with `ifMatch` and `ifNoneMatch`, which are of the destination. */
  readonly sourceIfMatch?: string
  /** Only if this is not the entity tag of the source. */
  readonly sourceIfNoneMatch?: string
}

/** How an object is removed. */
export interface RemoveOptions extends CallOptions, Past {
  /** Objects below `name/` as well. */
  readonly recursive?: boolean
}

/** How content is changed in place. With `ifMatch`, the request is sent again after a failure on the way. */
export interface DataOptions extends CallOptions, WriteConditions {}

/** Which bytes of another object go where. */
export interface OverwriteFromOptions extends DataOptions {
  /** Where they go; at most the size of the object. Default: behind its end. */
  readonly offset?: number
  /** How many, from the beginning of the source. Default: all. Only with `offset`. */
  readonly length?: number
  /** Bytes of the object afterwards, if they are fewer. */
  readonly size?: number
  /** Of the source. Default: the newest. */
  readonly version?: number
}
