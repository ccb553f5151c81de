/** What a client process is told to do, once. */
export interface Job {
  readonly store:
    | { readonly kind: 'pithos'; readonly authUrl: string; readonly token: string }
    | { readonly kind: 'swift'; readonly authUrl: string; readonly user: string; readonly key: string }
  readonly task: 'idle' | 'upload' | 'download' | 'uploadMany' | 'downloadMany'
  /** `container/object`; `container/prefix` for many. */
  readonly target: string
  /** File or folder. */
  readonly path: string
  /** Bytes of a segment; Swift only. */
  readonly segmentSize?: number
}

/** What it reports. Times in seconds, memory in bytes. */
export interface Report {
  readonly seconds: number
  /** Processor time of the client, user and system, of the transfer alone. */
  readonly cpu: number
  /** Until the first event that tells of bytes. */
  readonly firstProgress: number
  readonly peakRss: number
  readonly bytes: number
  readonly reusedBytes: number
}
