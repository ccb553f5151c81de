import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** What a command took, from its start to its end. Times in seconds, memory in bytes. */
export interface CommandUsage {
  readonly seconds: number
  /** Processor time, user and system. */
  readonly cpu: number
  readonly peakRss: number
}

export interface CommandOptions {
  readonly cwd?: string
  /** Variables besides those of this process. */
  readonly env?: Readonly<Record<string, string>>
}

const run = promisify(execFile)
const program = fileURLToPath(new URL('./measure-command.py', import.meta.url))

/**
 * Runs a command to its end; rejects with what it had to say unless it succeeds. Python measures it, for only the process that
 * waits for a child is told what the child took, and Node keeps that to itself.
 */
export async function measureCommand(
  command: readonly [string, ...string[]],
  { cwd, env }: CommandOptions = {},
): Promise<CommandUsage> {
  const { stdout, stderr } = await run('python3', [program, ...command], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    maxBuffer: 64 * 2 ** 20,
  })
  const { code, ...usage } = JSON.parse(stdout) as CommandUsage & { readonly code: number }
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stderr.slice(-2000)}`)
  return usage
}
