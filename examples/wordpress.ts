// npx tsx examples/wordpress.ts [cloud] - the quick start of SlipStream: WordPress from the app store, its address, and the end of it.
// At a real SlipStream with SLIPSTREAM_ENDPOINT, SLIPSTREAM_USERNAME and SLIPSTREAM_PASSWORD, else at the embedded one.
import { lastValueFrom, tap, toArray } from 'rxjs'
import type { OperationEvent } from 'skystream'
import { result } from 'skystream/operators'
import { createSlipstream, type SlipstreamClient } from 'skystream/slipstream'
import { startCloud } from 'skystream/testing/cloud'
import { bar } from './tour/show.js'

const WORDPRESS = 'apps/WordPress/wordpress'

interface Place {
  readonly slipstream: SlipstreamClient
  readonly cloud: string
  close(): Promise<void>
}

/** The embedded cloud needs no account; a minute of it passes in a second. */
async function openSlipstream(): Promise<Place> {
  const [, , cloud = 'exoscale-ch-gva'] = process.argv
  if (process.env['SLIPSTREAM_USERNAME']) {
    const slipstream = createSlipstream()
    return {
      slipstream,
      cloud,
      close: async () => {
        await lastValueFrom(slipstream.session.logout(), { defaultValue: undefined })
        slipstream.close()
      },
    }
  }
  const embedded = await startCloud({ clouds: ['slipstream'], clock: { speed: 60 } })
  const { url, user } = embedded.slipstream
  const slipstream = createSlipstream({ endpoint: url, ...user })
  return {
    slipstream,
    cloud,
    close: () => {
      slipstream.close()
      return embedded.close()
    },
  }
}

/** A bar that goes on with the events of an operation. */
function show<S, R>(title: string): (event: OperationEvent<S, R>) => void {
  const progress = bar(title)
  return (event) => {
    if (event.kind === 'progress') {
      const words = event.message === undefined ? event.state : `${event.state}: ${event.message}`
      progress.update(event.percent ?? 0, words)
    }
    if (event.kind === 'retrying') progress.update(0, `busy, next try in ${String(event.delayMs)} ms`)
    if (event.kind === 'done') progress.end('done')
  }
}

const place = await openSlipstream()
try {
  const { slipstream, cloud } = place
  const { applications, deployments } = slipstream

  const offered = await lastValueFrom(applications.list().pipe(toArray()))
  console.log(`applications: ${offered.map(({ path }) => path).join(', ')}`)

  const { uuid, serviceUrl = 'no address' } = await lastValueFrom(
    deployments
      .deploy(WORDPRESS, {
        cloud,
        parameters: { wordpress_title: 'Streams' },
        tags: ['example'],
        keepRunning: 'always',
      })
      .pipe(tap(show('deploy')), result()),
  )
  try {
    console.log(`WordPress is at ${serviceUrl}`)
    for (const name of ['admin_user', 'admin_email']) {
      const value = await lastValueFrom(deployments.getParameter(uuid, `machine:${name}`))
      console.log(`${name}: ${value ?? 'not set'}`)
    }
  } finally {
    const { state } = await lastValueFrom(deployments.terminate(uuid).pipe(tap(show('terminate')), result()))
    console.log(`the deployment is ${state}`)
  }
} finally {
  await place.close()
}
