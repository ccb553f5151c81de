// Reports the size of the packed package and fails over the limits. Reads the JSON of `npm pack --json` from its input.
import { readFileSync } from 'node:fs'

/** Kilobytes that each part may have unpacked; the last one holds what the others do not. A surprise is looked at before it is published. */
const parts = [
  { name: 'embedded cloud', path: /^dist\/testing\/cloud\//, limit: 1_300 },
  { name: "STACKIT's services", path: /^dist\/clients\/stackit\/(services\/|all\.)/, limit: 3_000 },
  { name: 'all else', path: /^/, limit: 3_500 },
]
const packedLimit = 1_500

const [{ filename, entryCount, size, files }] = JSON.parse(readFileSync(0, 'utf8'))
console.log(`${filename}: ${entryCount} files`)
const sizes = new Map(parts.map((part) => [part, 0]))
for (const file of files) {
  const part = parts.find(({ path }) => path.test(file.path))
  sizes.set(part, sizes.get(part) + file.size)
}
report('packed', size, packedLimit)
for (const [{ name, limit }, bytes] of sizes) report(name, bytes, limit)

function report(name, bytes, limit) {
  const kilobytes = bytes / 1_000
  console.log(`${name}: ${kilobytes.toFixed(1)} kB of at most ${limit} kB`)
  if (!(kilobytes <= limit)) process.exitCode = 1
}
