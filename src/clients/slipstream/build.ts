import { catchError, concatMap, map, of, type Observable } from 'rxjs'
import { call, type Api } from '../../http/api.js'
import type { OperationEvent } from '../../streams/events.js'
import { checkWatchOptions, refer, submitAndWatch } from '../../streams/operation.js'
import { buildForm } from './deploy-form.js'
import type { Deployment } from './deployment-types.js'
import { createDeployment } from './deployment-operations.js'
import { followDeployment, type DeploymentWatchOptions } from './deployment-watching.js'
import { getImageIdentifiers } from './module-operations.js'

export interface BuildOptions extends DeploymentWatchOptions {
  /** Where to build. Default: the user's default cloud. */
  readonly cloud?: string
}

/** What a build has made. */
export interface BuiltImage {
  readonly cloud: string | undefined
  /** Of the image on that cloud; absent if neither the deployment nor the component tells it. */
  readonly imageId?: string
  readonly deployment: Deployment
}

/**
 * Builds the image of a component and watches the building until it is Done, which always comes after a passing Ready; an abort, and
 * the end as Aborted or Cancelled, is an `OperationFailedError` (slipstream dossier 4.2, 5). Never retried unless asked for.
 */
export type BuildComponent = (
  path: string,
  options?: BuildOptions,
) => Observable<OperationEvent<Deployment, BuiltImage>>

const buildComponent = { ...createDeployment, id: 'slipstream.components.build' }

export function createBuild(api: Api): BuildComponent {
  return (path, options = {}) => {
    checkWatchOptions(options)
    const { cloud } = options
    const form = { fields: buildForm(path, cloud), secrets: [] }
    return submitAndWatch(
      call(api, buildComponent, form, { retry: false, ...options.call }),
      (id) => {
        const ref = refer(api, buildComponent, { id, until: 'Done' })
        const events = followDeployment(api, ref, options).pipe(
          concatMap((event) => {
            if (event.kind !== 'done') return of(event)
            return imageOf(api, event.result, cloud).pipe(map((result) => ({ ...event, result })))
          }),
        )
        return { ref, events }
      },
      options.signal,
    )
  }
}

/** A component that had an image on this cloud would not have been built again: the one there is is the new one. */
function imageOf(api: Api, deployment: Deployment, wanted: string | undefined): Observable<BuiltImage> {
  const { clouds, cloudImageIdentifiers, moduleResourceUri } = deployment
  const cloud = clouds[0] ?? wanted
  const built = (imageId: string | undefined): BuiltImage => ({
    cloud,
    ...(imageId === undefined || imageId === '' ? {} : { imageId }),
    deployment,
  })
  const known = cloud === undefined ? undefined : cloudImageIdentifiers[cloud]
  if (known !== undefined || moduleResourceUri === undefined) return of(built(known))
  return call(api, getImageIdentifiers, { path: moduleResourceUri }).pipe(
    map((images) => images.find(({ cloudServiceName }) => cloudServiceName === cloud)?.cloudImageIdentifier),
    // The build is done, whatever becomes of this question.
    catchError(() => of(undefined)),
    map(built),
  )
}
