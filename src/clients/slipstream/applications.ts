import { concatMap, from, type Observable } from 'rxjs'
import { call, type Api } from '../../http/api.js'
import type { CallOptions } from '../../http/types.js'
import type { ModuleItem } from './module-documents.js'
import { listApplications } from './module-operations.js'

/** The app store (slipstream dossier 4.1). */
export interface Applications {
  /** Emits each published component and application. One request. */
  list(options?: CallOptions): Observable<ModuleItem>
}

export function createApplications(api: Api): Applications {
  return {
    list: (options) =>
      call(api, listApplications, undefined, options).pipe(concatMap((items) => from(items))),
  }
}
