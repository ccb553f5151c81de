import { asyncScheduler, defer, lastValueFrom, of } from 'rxjs'
import { transfer } from '../../dist/streams/transfer.js'

const PARTS = 200_000
const BLOCK = 4 * 2 ** 20

/** Seconds of processor time that the events of one block cost: hashed and accepted, counted, conflated and told. */
export async function progressCost(): Promise<number> {
  const runtime = { scheduler: asyncScheduler, background: asyncScheduler, random: Math.random }
  const before = process.cpuUsage()
  await lastValueFrom(
    transfer(runtime, {}, (report) =>
      defer(() => {
        report.planned(PARTS * BLOCK, PARTS)
        for (let part = 1; part <= PARTS; part += 1) {
          report.hashing(part * BLOCK, PARTS * BLOCK)
          report.accepted({ bytes: BLOCK, parts: 1, reusedBytes: 0, travelledBytes: BLOCK })
        }
        return of('done')
      }),
    ),
  )
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6 / PARTS
}
