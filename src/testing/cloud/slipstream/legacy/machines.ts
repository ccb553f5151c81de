import type { Chance } from '../../chance.js'

/** A virtual machine as `/vms` shows it (slipstream dossier 4.5). */
export interface Machine {
  readonly cloud: string
  readonly user: string
  readonly instanceId: string
  readonly ip: string
  readonly name: string
  readonly runUuid?: string
  readonly runOwner?: string
  readonly nodeName?: string
  readonly nodeInstanceId?: number
  readonly cpu?: string
  readonly ram?: string
  readonly disk?: string
  readonly instanceType?: string
  state: 'Pending' | 'Running'
  measurement: number
}

export interface Machines {
  all(): Iterable<Machine>
  add(about: Omit<Machine, 'instanceId' | 'ip' | 'state' | 'measurement'>): Machine
  setState(machine: Machine, state: Machine['state']): void
  remove(machine: Machine): void
}

export function createMachines(wallNow: () => number, chance: Chance): Machines {
  const machines = new Set<Machine>()
  let started = 0
  return {
    all: () => machines,
    add(about) {
      const machine: Machine = {
        ...about,
        instanceId: chance.hex(8),
        ip: addressNumber(started++),
        state: 'Pending',
        measurement: wallNow(),
      }
      machines.add(machine)
      return machine
    },
    setState(machine, state) {
      machine.state = state
      machine.measurement = wallNow()
    },
    remove(machine) {
      machines.delete(machine)
    },
  }
}

/** 198.18.0.0/15 is set aside for tests. */
function addressNumber(index: number): string {
  const host = (index % 130_000) + 10
  return `198.${18 + ((host >> 16) & 1)}.${(host >> 8) & 255}.${host & 255}`
}
