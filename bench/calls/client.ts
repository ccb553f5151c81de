// One fresh process for one variant: warms up, measures, reports. `client.ts <variant> <port>`
import { targetAt } from './target.js'
import { variants, type Call } from './variants.js'

/** Microseconds of processor time, user and system, that one call took. */
export interface Measurement {
  readonly alone: number
  readonly crowded: number
}

const WARM_UP = 2_000
const ALONE = { calls: 8_000, inFlight: 1 }
const CROWDED = { calls: 20_000, inFlight: 50 }

/** As many loops as may be in flight, each starting the next call when its last one is complete. */
function run(
  call: Call,
  { calls, inFlight }: { readonly calls: number; readonly inFlight: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    let toStart = calls
    let toEnd = calls
    const start = (): void => {
      if (toStart === 0) return
      toStart -= 1
      call(end, reject)
    }
    const end = (): void => {
      toEnd -= 1
      if (toEnd === 0) resolve()
      else start()
    }
    for (let loop = 0; loop < inFlight; loop += 1) start()
  })
}

async function measure(
  call: Call,
  load: { readonly calls: number; readonly inFlight: number },
): Promise<number> {
  await run(call, { ...load, calls: WARM_UP })
  globalThis.gc?.()
  const before = process.cpuUsage()
  await run(call, load)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / load.calls
}

const [name = '', port] = process.argv.slice(2)
const variant = variants[name]
if (variant === undefined) throw new TypeError(`no variant is called ${name}`)
const call = await variant(targetAt(Number(port)))
const measurement: Measurement = { alone: await measure(call, ALONE), crowded: await measure(call, CROWDED) }
process.send?.(measurement, () => process.exit())
