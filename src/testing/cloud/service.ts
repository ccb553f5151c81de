import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'

/** Time of the embedded cloud's state machines, in milliseconds. It may run faster than the wall, or only by hand. */
export interface Clock {
  now(): number
  /** Runs the task when the cloud's time has moved on by `ms`. The returned function calls it off. */
  after(ms: number, task: () => void): () => void
}

/** One request and its answer, as a service sees it. */
export interface Exchange {
  readonly method: string
  /** As it came over the wire: not decoded, nothing collapsed, without the query. */
  readonly path: string
  /** As it came over the wire, without the question mark. */
  readonly search: string
  readonly query: URLSearchParams
  /** Lower-case names. */
  readonly headers: IncomingHttpHeaders
  /** `http://127.0.0.1:port` of the cloud this came to. */
  readonly origin: string
  /** The whole body. */
  body(): Promise<Buffer>
  /** The body piece by piece, for what should not be held whole. */
  chunks(): AsyncIterable<Buffer>
  /** The body as it arrives, at less cost than `chunks`; it waits while a promise of `take` is pending. */
  receive(take: (chunk: Buffer) => Promise<void> | undefined): Promise<void>
  /** Answers. Of an async iterable the next piece is asked for when the one before is with the kernel. */
  send(
    status: number,
    headers?: OutgoingHttpHeaders,
    body?: string | Uint8Array | AsyncIterable<Uint8Array>,
  ): void
  json(status: number, value: unknown, headers?: OutgoingHttpHeaders): void
}

/** One HTTP API of a cloud. */
export interface Service {
  /** Path on the cloud's port below which everything belongs to this service; no trailing slash. */
  readonly prefix: string
  handle(exchange: Exchange): void | Promise<void>
  /** Frees what it holds: folders, files. */
  close?(): Promise<void>
}

export interface User {
  /** UUID; in the object store also the name of the account. */
  readonly id: string
  readonly name: string
}

/** Who a token belongs to, or why it is refused. */
export interface Users {
  byToken(token: string): { readonly user: User } | { readonly refused: string }
  byId(id: string): User | undefined
}
