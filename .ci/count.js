// Sums vitest's JSON results of a folder into the line `N passed, N failed`. `count.js <folder> [--step-failed]`
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [folder = '.', flag] = process.argv.slice(2)
let passed = 0
let failed = 0
for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(join(folder, name), 'utf8'))
  passed += numPassedTests
  failed += numFailedTests
  // A file that cannot even be loaded fails without a failed test.
  failed += testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length
}
if (flag === '--step-failed' && failed === 0) failed = 1
console.log(`${passed} passed, ${failed} failed`)
