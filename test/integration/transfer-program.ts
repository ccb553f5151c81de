// A program of its own, so that it can be killed and its memory measured: uploads or downloads with the plan given as JSON.
import { lastValueFrom, tap } from 'rxjs'
import { createSynnefo } from '../../src/clients/synnefo/index.js'

export interface TransferPlan {
  readonly authUrl: string
  readonly token: string
  readonly direction: 'upload' | 'download'
  readonly file: string
  readonly target: string
  readonly concurrency?: number
  readonly checkpoint?: string
}

const plan = JSON.parse(process.argv[2] ?? '') as TransferPlan
const client = createSynnefo(plan)
const before = process.resourceUsage().maxRSS
const { concurrency = 4, checkpoint } = plan
const events =
  plan.direction === 'upload'
    ? client.pithos.upload(plan.file, plan.target, {
        concurrency,
        ...(checkpoint === undefined ? {} : { checkpoint }),
      })
    : client.pithos.download(plan.target, plan.file, { concurrency })
const told = events.pipe(
  tap(({ kind }) => {
    process.stdout.write(`${kind}\n`)
  }),
)
lastValueFrom(told).then(
  () => {
    client.close()
    process.stdout.write(`grown by ${String(process.resourceUsage().maxRSS - before)} KiB\n`)
  },
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`)
    process.exitCode = 1
    client.close()
  },
)
