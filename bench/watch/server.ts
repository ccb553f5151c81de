// An embedded SlipStream with as many deployments under way as asked for, none of which moves: `server.ts <count>`
import { startCloud } from 'skystream/testing/cloud'
import type { WatchTarget } from './client.js'

const count = Number(process.argv[2])
const cloud = await startCloud({ clouds: ['slipstream'], recordLimit: 1 })
const { url, user, runs } = cloud.slipstream
const ids = runs.create({ count, owner: user.username, state: 'Executing' })
const target: WatchTarget = { endpoint: url, ...user, ids }
process.send?.(target)
process.once('disconnect', () => process.exit())
