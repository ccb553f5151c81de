// The installed package from TypeScript.
import { filter, map, type Observable } from 'rxjs'
import * as everything from 'skystream'
import { pollUntil, retryWithBackoff } from 'skystream/operators'
import * as stackit from 'skystream/stackit'
import * as services from 'skystream/stackit/all'
import { iaas, type Server } from 'skystream/stackit/iaas'
import { iaas as vpc } from 'skystream/stackit/iaas/v2alpha1'
import { createSynnefo } from 'skystream/synnefo'
import * as testing from 'skystream/testing'
import { startCloud } from 'skystream/testing/cloud'

const client = createSynnefo({ authUrl: 'https://accounts.example.org/identity/v2.0', token: 'none' })

export const active: Observable<string> = client.servers.get(42).pipe(
  retryWithBackoff(),
  pollUntil({ until: ({ status }) => status === 'ACTIVE', interval: 1_000 }),
  map(({ name }) => name),
  filter((name) => name !== ''),
)
const { machines, networks } = stackit.createStackit({
  projectId: 'p',
  region: 'eu01',
  token: 'none',
  services: { machines: iaas, networks: vpc },
})
export const machine: Observable<Server> = machines.getServer({ serverId: 's' })
export const ranges = networks.listVPCs()
export const everyService = Object.keys(services)
export const modules = { everything, stackit, startCloud, testing }
