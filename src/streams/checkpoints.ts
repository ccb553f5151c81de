import { readFile, rm } from 'node:fs/promises'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import { ConfigurationError, TransferError, type Checkpoint } from '../errors.js'
import { reasonOf } from './sources.js'

/** Keeps the checkpoint of one transfer. */
export interface CheckpointStore {
  /** What was saved last, if anything. */
  load(): Promise<Checkpoint | undefined>
  save(checkpoint: Checkpoint): Promise<void>
  /** Called when the transfer is done. */
  remove(): Promise<void>
}

const schema: z.ZodType<Checkpoint> = z.object({
  version: z.literal(1),
  direction: z.enum(['upload', 'download']),
  object: z.string(),
  size: z.number().int().nonnegative(),
  mtimeMs: z.number().exactOptional(),
  blockSize: z.number().int().positive(),
  blockHash: z.string(),
  hashes: z.array(z.string()),
})

/** A file of mode 0600 that is replaced in one step; a file that is no checkpoint is neither used nor overwritten. */
export function fileCheckpoint(path: string): CheckpointStore {
  return {
    load: async () => {
      const content = await readIfThere(path)
      return content === undefined ? undefined : parse(path, content)
    },
    save: async (checkpoint) => {
      try {
        await writeFileAtomic(path, JSON.stringify(checkpoint), { mode: 0o600 })
      } catch (error) {
        throw new TransferError(`cannot save the checkpoint ${path}: ${reasonOf(error)}`, { cause: error })
      }
    },
    remove: () => rm(path, { force: true }),
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new TransferError(`cannot read the checkpoint ${path}: ${reasonOf(error)}`, { cause: error })
  }
}

function parse(path: string, content: string): Checkpoint {
  const parsed = schema.safeParse(parseJson(content))
  if (parsed.success) return parsed.data
  throw new ConfigurationError(
    `checkpoint: ${path} is there, and is no checkpoint of a transfer; it is left alone`,
  )
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content) as unknown
  } catch {
    return undefined
  }
}

/** A checkpoint in memory, for example one that a `TransferError` carried. */
export function memoryCheckpoint(initial?: Checkpoint): CheckpointStore {
  let kept = initial
  return {
    load: () => Promise.resolve(kept),
    save: (checkpoint) => {
      kept = checkpoint
      return Promise.resolve()
    },
    remove: () => {
      kept = undefined
      return Promise.resolve()
    },
  }
}
