// npm run bench -- calls [--rounds 5] [--only skystream,axios]
// npm run bench -- transfer [--rounds 3] [--only hashing,pithos,memory,swift]
// npm run bench -- watch [--rounds 3]
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import type { Benchmark } from './benchmark.js'
import { compareCalls } from './calls/compare.js'
import { compareTransfers } from './transfer/compare.js'
import { compareWatching } from './watch/compare.js'

const benchmarks: Readonly<Record<string, Benchmark>> = {
  calls: compareCalls,
  transfer: compareTransfers,
  watch: compareWatching,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
  },
})
const rounds = Number(values.rounds)
if (!Number.isInteger(rounds) || rounds < 1)
  throw new TypeError('--rounds: expected a whole number from 1 on')

const [cpu] = cpus()
console.log(
  `node ${process.version}, ${process.platform} ${process.arch}, ${availableParallelism()} cores, ${cpu?.model ?? ''}`,
)

for (const name of positionals.length > 0 ? positionals : Object.keys(benchmarks)) {
  const benchmark = benchmarks[name]
  if (benchmark === undefined) {
    throw new TypeError(`no benchmark is called ${name}; there are: ${Object.keys(benchmarks).join(', ')}`)
  }
  await benchmark({ rounds, only: values.only.split(',').filter((variant) => variant !== '') })
}
