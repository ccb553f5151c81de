// Reports the size of the packed package and fails over the limits. Reads the JSON of `npm pack --json` from its input.
import { readFileSync } from 'node:fs'

/** Kilobytes that the package may have: a surprise is looked at before it is published. */
const limits = { size: 700, unpackedSize: 3_000 }

const [{ filename, entryCount, ...sizes }] = JSON.parse(readFileSync(0, 'utf8'))
console.log(`${filename}: ${entryCount} files`)
for (const [measure, limit] of Object.entries(limits)) {
  const size = sizes[measure] / 1_000
  console.log(`${measure}: ${size.toFixed(1)} kB of at most ${limit} kB`)
  if (!(size <= limit)) process.exitCode = 1
}
