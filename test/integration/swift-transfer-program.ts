// A program of its own, so that it can be killed: uploads to Swift or downloads from it, with the plan given as JSON, and tells each
// number of bytes that was accepted on a line.
import { createSwift } from '../../src/clients/synnefo/swift.js'

export interface SwiftTransferPlan {
  readonly authUrl: string
  readonly user: string
  readonly key: string
  readonly direction: 'upload' | 'download'
  readonly path: string
  readonly target: string
  readonly segmentSize: number
}

const { authUrl, user, key, direction, path, target, segmentSize } = JSON.parse(
  process.argv[2] ?? '',
) as SwiftTransferPlan
const client = createSwift({ authUrl, user, key })
const events =
  direction === 'upload'
    ? client.storage.upload(path, target, { segmentSize })
    : client.storage.download(target, path)
events.subscribe({
  next: (event) => {
    if (event.kind === 'progress') process.stdout.write(`${String(event.bytes)}\n`)
  },
  error: (error: unknown) => {
    process.stderr.write(`${String(error)}\n`)
    process.exitCode = 1
    client.close()
  },
  complete: () => {
    client.close()
  },
})
