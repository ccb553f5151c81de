import type { Machines } from './machines.js'
import { findParameter, isGone, setValue, valueOf, type Instance, type Run } from './run-model.js'

/** What programs on the machines of a run bring about, one instance at a time. */
export interface RunEffects {
  /** A machine is asked for. */
  order(run: Run, instance: Instance): void
  /** Its machine is there and has an address. */
  boot(run: Run, instance: Instance): void
  /** Its recipe has run: Output parameters, service URLs. */
  report(run: Run, instance: Instance): void
  /** Its machine goes away. */
  release(run: Run, instance: Instance): void
}

export function createRunEffects(machines: Machines): RunEffects {
  const set = (run: Run, instance: Instance, name: string, value: string): void =>
    setValue(run, `${instance.name}:${name}`, value)
  const effects: RunEffects = {
    order(run, instance) {
      if (instance.machine !== undefined || isGone(run, instance)) return
      const small = instance.kind === 'orchestrator'
      instance.machine = machines.add({
        cloud: instance.cloud,
        user: run.owner,
        name: 'vm',
        runUuid: run.uuid,
        runOwner: run.owner,
        nodeName: instance.node,
        ...(instance.id === undefined ? {} : { nodeInstanceId: instance.id }),
        cpu: small ? '1' : '2',
        ram: small ? '1024.0' : '4096.0',
        disk: '10.0',
        instanceType: small ? 'Micro' : 'Small',
      })
      set(run, instance, 'instanceid', instance.machine.instanceId)
      set(run, instance, 'vmstate', 'Pending')
    },
    boot(run, instance) {
      effects.order(run, instance)
      const { machine } = instance
      if (machine?.state !== 'Pending') return
      machines.setState(machine, 'Running')
      set(run, instance, 'vmstate', 'Running')
      set(run, instance, 'hostname', machine.ip)
      const login = instance.image?.image?.loginUser ?? ''
      set(run, instance, 'url.ssh', `ssh://${login === '' ? 'root' : login}@${machine.ip}`)
    },
    report(run, instance) {
      const ip = instance.machine?.ip
      if (instance.kind === 'orchestrator' || ip === undefined) return
      const outputs = instance.image?.image?.outputs ?? {}
      for (const { name, category } of instance.image?.parameters ?? []) {
        const parameter = findParameter(run, `${instance.name}:${name}`)
        if (category !== 'Output' || parameter?.value !== '') continue
        set(run, instance, name, fill(outputs[name] ?? `${name} of ${instance.name}`, run, instance, ip))
      }
      if (run.type === 'Machine') return
      const url = `http://${ip}`
      if (valueOf(run, `${instance.name}:url.service`) === '') set(run, instance, 'url.service', url)
      if (valueOf(run, 'ss:url.service') === '') setValue(run, 'ss:url.service', url)
    },
    release(run, instance) {
      if (instance.machine === undefined) return
      machines.remove(instance.machine)
      instance.machine = undefined
      set(run, instance, 'vmstate', 'Terminated')
    },
  }
  return effects
}

function fill(template: string, run: Run, instance: Instance, ip: string): string {
  return template.replace(/\{([^{}]+)\}/g, (_, name: string) =>
    name === 'ip' ? ip : valueOf(run, `${instance.name}:${name}`),
  )
}
