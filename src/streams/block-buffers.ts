import { defer, finalize, type Observable } from 'rxjs'

/** Lends buffers of one size, and as many as are in use at a time. */
export interface BlockBuffers {
  /** Runs `use` with a buffer that is its own until it ends. */
  borrow<T>(use: (buffer: Uint8Array) => Observable<T>): Observable<T>
}

/**
 * Make new ones for a new attempt: reads and writes of the one that was given up may still go on in the old buffers.
 */
export function createBlockBuffers(size: number): BlockBuffers {
  const free: Uint8Array[] = []
  return {
    borrow: (use) =>
      defer(() => {
        // Shared memory, so that other threads can hash it as it lies there.
        const buffer = free.pop() ?? new Uint8Array(new SharedArrayBuffer(size))
        return use(buffer).pipe(
          finalize(() => {
            free.push(buffer)
          }),
        )
      }),
  }
}
