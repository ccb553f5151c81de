import { measureCommand, type CommandUsage } from './measure-command.js'

/** A Swift server with TempAuth, and somebody who may use it. */
export interface SwiftAccess {
  readonly authUrl: string
  readonly user: string
  readonly key: string
}

export interface StoredObject {
  readonly container: string
  readonly object: string
}

/**
 * Another client of Swift, run as a program with the flags that make it as fast as it can be without proving less, always 4 at a
 * time. Both ways the target - container and object, file or folder - must be new, for what is there already is not sent again.
 */
export interface Peer {
  readonly name: string
  /** As a large object, with segments of so many bytes. */
  uploadFile(file: string, target: StoredObject, segmentSize: number): Promise<CommandUsage>
  downloadFile(source: StoredObject, file: string): Promise<CommandUsage>
  /** The files of a folder, which keep their names. */
  uploadFolder(folder: string, container: string): Promise<CommandUsage>
  downloadFolder(container: string, folder: string): Promise<CommandUsage>
}

/**
 * rclone 1.60: sends the segments of one object one after another, whatever the flags; downloads one object by 4 ranges; checks the
 * hashes of small objects only.
 */
export function rclone({ authUrl, user, key }: SwiftAccess): Peer {
  const env = {
    RCLONE_CONFIG: '/dev/null',
    RCLONE_SWIFT_AUTH: authUrl,
    RCLONE_SWIFT_USER: user,
    RCLONE_SWIFT_KEY: key,
  }
  const copy = (
    command: 'copy' | 'copyto',
    from: string,
    to: string,
    ...flags: string[]
  ): Promise<CommandUsage> =>
    measureCommand(['rclone', command, '--transfers', '4', '--checkers', '4', ...flags, from, to], { env })
  // After each file it asks for the container by HEAD, which Swift answers with five bytes too many. On a connection that is used
  // again they break the next request, and a thousand files never arrive without a retry.
  const once = '--disable-http-keep-alives'
  const ranges = ['--multi-thread-streams', '4', '--multi-thread-cutoff', '1B']
  return {
    name: 'rclone',
    uploadFile: (file, { container, object }, segmentSize) =>
      copy('copyto', file, `:swift:${container}/${object}`, once, '--swift-chunk-size', `${segmentSize}B`),
    downloadFile: ({ container, object }, file) =>
      copy('copyto', `:swift:${container}/${object}`, file, ...ranges),
    uploadFolder: (folder, container) =>
      copy('copy', folder, `:swift:${container}`, once, '--swift-no-large-objects'),
    // Without the second flag it asks for the metadata of each object before it reads it.
    downloadFolder: (container, folder) =>
      copy('copy', `:swift:${container}`, folder, '--swift-no-large-objects', '--use-server-modtime'),
  }
}

/** The `swift` command: sends 4 segments at a time, downloads one object in one stream, checks the hashes of small objects only. */
export function swiftCommand({ authUrl, user, key }: SwiftAccess): Peer {
  const env = { ST_AUTH: authUrl, ST_USER: user, ST_KEY: key }
  const swift = (
    command: 'upload' | 'download',
    args: readonly string[],
    cwd?: string,
  ): Promise<CommandUsage> =>
    measureCommand(['swift', '--quiet', command, '--object-threads', '4', ...args], {
      env,
      ...(cwd === undefined ? {} : { cwd }),
    })
  // Without this flag it asks for each object before it sends it.
  const leave = '--leave-segments'
  return {
    name: 'swift',
    uploadFile: (file, { container, object }, segmentSize) => {
      const segments = ['--use-slo', '--segment-threads', '4', '--segment-size', String(segmentSize)]
      return swift('upload', [leave, ...segments, '--object-name', object, container, file])
    },
    downloadFile: ({ container, object }, file) => swift('download', ['--output', file, container, object]),
    uploadFolder: (folder, container) => swift('upload', [leave, container, '.'], folder),
    downloadFolder: (container, folder) => swift('download', ['--output-dir', folder, container]),
  }
}
