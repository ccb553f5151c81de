// A workflow of a user: restarts servers one after the other, never two at once, and says what became of each.
import { catchError, concat, concatMap, from, map, of, type Observable } from 'rxjs'
import { result } from 'skystream/operators'
import type { Servers } from 'skystream/synnefo'

export interface Outcome {
  readonly id: number
  readonly outcome: 'restarted' | 'failed'
}

/** Shuts down and starts each server; one that fails is reported, and the next one has its turn. */
export function restartAll(
  servers: Pick<Servers, 'shutdown' | 'start'>,
  ids: readonly number[],
): Observable<Outcome> {
  return from(ids).pipe(concatMap((id) => restart(servers, id)))
}

function restart(servers: Pick<Servers, 'shutdown' | 'start'>, id: number): Observable<Outcome> {
  const wait = { interval: 2_000, timeout: 300_000 }
  return concat(servers.shutdown(id, wait), servers.start(id, wait)).pipe(
    result(),
    map(() => ({ id, outcome: 'restarted' as const })),
    catchError(() => of({ id, outcome: 'failed' as const })),
  )
}
