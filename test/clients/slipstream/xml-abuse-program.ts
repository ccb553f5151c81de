// Meets every attack with little memory, and prints what became of them.
import { lastValueFrom } from 'rxjs'
import { createSlipstream } from '../../../src/clients/slipstream/index.js'

export interface AbuseReport {
  readonly errors: Readonly<Record<string, string>>
  /** Peak, in bytes. */
  readonly residentBytes: number
}

const [origin = '', ...names] = process.argv.slice(2)
const errors: Record<string, string> = {}
for (const name of names) {
  const slipstream = createSlipstream({
    endpoint: `${origin}/${name}`,
    username: 'jane',
    password: 'secret',
    retry: false,
  })
  errors[name] = await lastValueFrom(slipstream.deployments.list()).then(
    () => 'none',
    (error: unknown) => (error instanceof Error ? error.name : 'unknown'),
  )
  slipstream.close()
}
const report: AbuseReport = { errors, residentBytes: process.resourceUsage().maxRSS * 1024 }
process.stdout.write(JSON.stringify(report))
