import { makeFrom } from '../acts.js'
import type { Behaviour, Call } from '../call.js'
import type { Reply } from '../reply.js'
import { replyWith } from '../replies.js'
import { makeResource, startWalk } from '../resources.js'
import { isFields } from '../schemas.js'

// What is done on servers from outside: commands, backups, updates.

function turn(isOn: boolean): (call: Call) => Reply {
  return (call) => {
    const { api, path, given, plan } = call
    const service = api.store.get(path) ?? makeResource(api, { kind: plan.kind, below: path, given })
    service.fields['enabled'] = isOn
    return { status: 204 }
  }
}

/** A switch that every server has; it is off in the beginning. */
export const serverSwitch: Behaviour = {
  hints: { there: ['/service'] },
  operations: { EnableServiceResource: turn(true), DisableServiceResource: turn(false) },
}

/** A command says at its end what came of it. */
function run(call: Call): Reply {
  const { world } = call.api
  const parameters = isFields(call.body) && isFields(call.body['parameters']) ? call.body['parameters'] : {}
  const { script = '' } = parameters
  const command = makeFrom(call, { ...(isFields(call.body) ? call.body : {}), script })
  const startedAt = new Date(world.wallNow()).toISOString()
  command.fields = {
    ...command.fields,
    startedAt,
    exitCode: undefined,
    output: undefined,
    finishedAt: undefined,
  }
  const finish = (exitCode: number, output: string): void => {
    Object.assign(command.fields, { exitCode, output, finishedAt: new Date(world.wallNow()).toISOString() })
  }
  const last = (): void => {
    startWalk(
      call,
      command,
      { through: 'running', to: 'completed', failed: 'failed' },
      {
        field: 'status',
        done() {
          finish(0, '')
        },
        failed(message) {
          finish(1, message)
        },
      },
    )
  }
  const failed = (message: string): void => {
    finish(1, message)
  }
  startWalk(
    call,
    command,
    { through: 'pending', to: 'running', failed: 'failed' },
    { field: 'status', done: last, failed },
  )
  return replyWith(call, command, { isNew: true })
}

export const runCommand: Behaviour = { operations: { CreateCommand: run } }
