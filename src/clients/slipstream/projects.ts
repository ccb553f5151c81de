import { catchError, concat, concatMap, defer, EMPTY, from, of, throwError, type Observable } from 'rxjs'
import { isHttpError } from '../../errors.js'
import { call, type Api } from '../../http/api.js'
import type { CallOptions } from '../../http/types.js'
import type { ModuleItem } from './module-documents.js'
import { listProject } from './module-operations.js'

export interface ProjectListing {
  /** Lists each project within a project as well, right behind it. Default false. */
  readonly recurse?: boolean
}

/** Projects: the folders that modules are kept in (slipstream dossier 4.1). */
export interface Projects {
  /**
   * Emits what is in a project, depth first with `recurse`; a project is asked for what is in it only when its turn
   * comes. A project that one may not read (403) emits nothing, be it the first one or one within, as with the
   * reference client.
   *
   * @param path - default: the root of all projects
   */
  list(path?: string, listing?: ProjectListing, options?: CallOptions): Observable<ModuleItem>
}

export function createProjects(api: Api): Projects {
  const content = (path: string | undefined, options: CallOptions | undefined): Observable<ModuleItem> =>
    call(api, listProject, { path }, options).pipe(
      catchError((error: unknown) => (isHttpError(error, 403) ? EMPTY : throwError(() => error))),
      concatMap((items) => from(items)),
    )

  const tree = (path: string | undefined, options: CallOptions | undefined): Observable<ModuleItem> =>
    content(path, options).pipe(
      concatMap((item) =>
        item.type === 'project'
          ? concat(
              of(item),
              defer(() => tree(item.path, options)),
            )
          : of(item),
      ),
    )

  return {
    list: (path, { recurse = false } = {}, options) => (recurse ? tree : content)(path, options),
  }
}
