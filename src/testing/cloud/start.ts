import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createChance } from './chance.js'
import { createClock, type ClockOptions, type CloudClock } from './clock.js'
import { createFaults, type EmbeddedCloudName, type Fault, type Faults } from './faults.js'
import { createNuvlaParts, type NuvlaCloud, type NuvlaOptions } from './nuvla/cloud.js'
import { createOpenstackParts, type OpenstackCloud, type OpenstackOptions } from './openstack/cloud.js'
import { createRequestLog, type RecordedRequest, type RequestFilter } from './requests.js'
import { startSite, type Site } from './server.js'
import { createSlipstreamParts, type SlipstreamCloud, type SlipstreamOptions } from './slipstream/cloud.js'
import { createStackitParts, type StackitCloud, type StackitOptions } from './stackit/cloud.js'
import { createSynnefoParts, type SynnefoCloud } from './synnefo/cloud.js'
import type { SynnefoOptions } from './synnefo/state.js'

/** What to start and how. */
export interface CloudOptions {
  /** Default: all. */
  readonly clouds?: readonly EmbeddedCloudName[]
  /**
   * Time of the state machines: `{ speed: 60 }` makes a build of three minutes take three seconds, `{ manual: true }`
   * lets it pass by `clock.advance` only. Tokens, dates and signatures go by the wall clock plus `skewMs`.
   * Default: as fast as the wall.
   */
  readonly clock?: ClockOptions
  /** By how much the clouds' wall clocks are ahead, ms. Default 0. */
  readonly skewMs?: number
  readonly faults?: readonly Fault[]
  /** Ports of 127.0.0.1. Default: any free one. */
  readonly ports?: Readonly<Partial<Record<EmbeddedCloudName, number>>>
  /** Makes ids, Synnefo's tokens and jitter the same in every run. RSA keys, and what is signed with them, always differ. */
  readonly seed?: number
  /** Requests kept for `requests()`; the oldest go first. Default 10000. */
  readonly recordLimit?: number
  readonly synnefo?: SynnefoOptions
  readonly stackit?: StackitOptions
  readonly openstack?: OpenstackOptions
  readonly slipstream?: SlipstreamOptions
  readonly nuvla?: NuvlaOptions
}

/** A running embedded cloud. */
export interface EmbeddedCloud {
  /** The Synnefo cloud; throws if it was not to be started. */
  readonly synnefo: SynnefoCloud
  /** The STACKIT cloud; throws if it was not to be started. */
  readonly stackit: StackitCloud
  /** The OpenStack cloud; throws if it was not to be started. */
  readonly openstack: OpenstackCloud
  /** The SlipStream server; throws if it was not to be started. */
  readonly slipstream: SlipstreamCloud
  /** The Nuvla server; throws if it was not to be started. */
  readonly nuvla: NuvlaCloud
  readonly clock: Pick<CloudClock, 'now' | 'advance'>
  readonly faults: Faults
  /** What was received, oldest first. */
  requests(filter?: RequestFilter): RecordedRequest[]
  /** Ends all connections at once, stops the clock and removes temporary folders. Again is no error. */
  close(): Promise<void>
}

const ALL: readonly EmbeddedCloudName[] = ['synnefo', 'stackit', 'openstack', 'slipstream', 'nuvla']

/** Starts an embedded cloud on the loopback interface; it serves until `close`. */
export async function startCloud(options: CloudOptions = {}): Promise<EmbeddedCloud> {
  const clouds = options.clouds ?? ALL
  for (const name of clouds) {
    if (!ALL.includes(name))
      throw new TypeError(`clouds: there is no ${JSON.stringify(name)}; there are ${ALL.join(', ')}`)
  }
  const faults = createFaults(options.faults)
  const clock = createClock(options.clock)
  const log = createRequestLog(options.recordLimit ?? 10_000)
  const skewMs = options.skewMs ?? 0
  const wallNow = (): number => Date.now() + skewMs
  const temporary = createTemporaryFolder()
  const sites: Site[] = []
  let closed: Promise<void> | undefined
  const close = (): Promise<void> =>
    (closed ??= (async () => {
      clock.stop()
      await Promise.all(sites.map((site) => site.close()))
      await temporary.remove()
    })())
  const open = async (
    cloud: EmbeddedCloudName,
    parts: Pick<ReturnType<typeof createStackitParts>, 'services' | 'site'>,
  ): Promise<string> => {
    const port = options.ports?.[cloud] ?? 0
    const site = await startSite({
      cloud,
      port,
      faults,
      log,
      wallNow,
      services: parts.services,
      ...parts.site,
    })
    sites.push(site)
    return site.origin
  }

  try {
    let synnefo: SynnefoCloud | undefined
    let stackit: StackitCloud | undefined
    let openstack: OpenstackCloud | undefined
    let slipstream: SlipstreamCloud | undefined
    let nuvla: NuvlaCloud | undefined
    if (clouds.includes('synnefo')) {
      const folder = temporary.path
      const parts = createSynnefoParts(options.synnefo ?? {}, {
        clock,
        wallNow,
        chance: createChance(options.seed),
        folder,
      })
      synnefo = parts.face(await open('synnefo', parts))
    }
    if (clouds.includes('stackit')) {
      const parts = createStackitParts(options.stackit ?? {}, {
        clock,
        wallNow,
        chance: createChance(options.seed === undefined ? undefined : options.seed + 1),
      })
      stackit = await parts.face(await open('stackit', parts))
    }
    if (clouds.includes('openstack')) {
      const parts = createOpenstackParts(options.openstack ?? {}, {
        wallNow,
        chance: createChance(options.seed === undefined ? undefined : options.seed + 2),
        folder: temporary.path,
      })
      openstack = parts.face(await open('openstack', parts))
    }
    if (clouds.includes('slipstream')) {
      const parts = createSlipstreamParts(options.slipstream ?? {}, {
        clock,
        wallNow,
        chance: createChance(options.seed === undefined ? undefined : options.seed + 3),
      })
      slipstream = parts.face(await open('slipstream', parts))
    }
    if (clouds.includes('nuvla')) {
      const parts = createNuvlaParts(options.nuvla ?? {}, {
        clock,
        wallNow,
        chance: createChance(options.seed === undefined ? undefined : options.seed + 4),
      })
      nuvla = parts.face(await open('nuvla', parts))
    }
    return {
      get synnefo() {
        return started('synnefo', synnefo)
      },
      get stackit() {
        return started('stackit', stackit)
      },
      get openstack() {
        return started('openstack', openstack)
      },
      get slipstream() {
        return started('slipstream', slipstream)
      },
      get nuvla() {
        return started('nuvla', nuvla)
      },
      clock,
      faults,
      requests: log.list,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function started<T>(name: EmbeddedCloudName, cloud: T | undefined): T {
  if (cloud === undefined)
    throw new Error(`The ${name} cloud was not started: it is not in the option clouds`)
  return cloud
}

/** A folder that exists from its first use on. */
function createTemporaryFolder(): {
  readonly path: () => Promise<string>
  readonly remove: () => Promise<void>
} {
  let made: Promise<string> | undefined
  return {
    path: () => (made ??= mkdtemp(join(tmpdir(), 'skystream-cloud-'))),
    async remove() {
      if (made !== undefined) await rm(await made, { recursive: true, force: true })
    },
  }
}
