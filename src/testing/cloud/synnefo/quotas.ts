import { badRequest, overLimit } from './answers.js'

/** What Astakos counts and shows (synnefo dossier 5.3). */
export const RESOURCES = {
  'cyclades.vm': { label: 'Virtual Machine', unit: null, description: 'Virtual machines' },
  'cyclades.cpu': { label: 'CPU', unit: null, description: 'Cores of running machines' },
  'cyclades.ram': { label: 'RAM', unit: 'bytes', description: 'Memory of running machines' },
  'cyclades.disk': { label: 'Disk', unit: 'bytes', description: 'Disks of machines' },
  'cyclades.network.private': { label: 'Private Network', unit: null, description: 'Private networks' },
  'cyclades.floating_ip': { label: 'Floating IP address', unit: null, description: 'Floating IP addresses' },
  'pithos.diskspace': { label: 'Storage space', unit: 'bytes', description: 'Space in the object store' },
} as const

export type Resource = keyof typeof RESOURCES
export type Amounts = Readonly<Partial<Record<Resource, number>>>
export type Limits = Readonly<Record<Resource, number>>

export interface Project {
  readonly id: string
  readonly name: string
  readonly members: readonly string[]
  /** For all members together. */
  readonly limits: Limits
  /** For one member. */
  readonly memberLimits: Limits
}

/** A charge that is under way: the upper bound has it, the lower bound not yet (or the other way round). */
export interface Commission {
  accept(): void
  reject(): void
}

export interface Quotas {
  readonly projects: readonly Project[]
  projectsOf(userId: string): readonly Project[]
  /** The project, if the user is in it; otherwise it throws what Cyclades answers (5.4). */
  projectFor(userId: string, projectId: string): Project
  /** What a user may still use in a project that he is in. */
  room(userId: string, projectId: string, resource: Resource): number
  /** Counts what is used already, without asking; a negative amount gives back. */
  occupy(userId: string, projectId: string, resource: Resource, amount: number): void
  /** Charges, or throws the 413 of 5.4. Negative amounts give back. */
  charge(userId: string, projectId: string, amounts: Amounts): Commission
  /** The answer of `GET quotas` for a user. */
  report(userId: string): Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

interface Holding {
  upper: number
  lower: number
}

export function createQuotas(projects: readonly Project[]): Quotas {
  const holdings = new Map<string, Holding>()
  const holding = (projectId: string, userId: string, resource: string): Holding => {
    const key = `${projectId} ${userId} ${resource}`
    let found = holdings.get(key)
    if (found === undefined) holdings.set(key, (found = { upper: 0, lower: 0 }))
    return found
  }
  const projectsOf = (userId: string): readonly Project[] =>
    projects.filter((project) => project.members.includes(userId))

  const usageOf = (project: Project, resource: Resource): Holding =>
    project.members.reduce<Holding>(
      (sum, member) => {
        const { upper, lower } = holding(project.id, member, resource)
        return { upper: sum.upper + upper, lower: sum.lower + lower }
      },
      { upper: 0, lower: 0 },
    )

  const projectFor = (userId: string, projectId: string): Project => {
    const project = projectsOf(userId).find(({ id }) => id === projectId)
    if (project === undefined) throw badRequest(`User ${userId} not in project ${projectId}`)
    return project
  }

  const room = (userId: string, projectId: string, resource: Resource): number => {
    const project = projectFor(userId, projectId)
    const own = holding(projectId, userId, resource).upper
    const taken = usageOf(project, resource).upper - own
    return Math.min(project.memberLimits[resource], project.limits[resource] - taken) - own
  }

  return {
    projects,
    projectsOf,
    projectFor,
    room,
    occupy(userId, projectId, resource, amount) {
      const used = holding(projectId, userId, resource)
      used.upper += amount
      used.lower += amount
    },
    charge(userId, projectId, amounts) {
      projectFor(userId, projectId)
      const entries = Object.entries(amounts).filter(([, amount]) => amount !== 0) as [Resource, number][]
      for (const [resource, requested] of entries) {
        if (requested < 0) continue
        const available = room(userId, projectId, resource)
        if (requested > available) {
          throw overLimit(
            'Resource Limit Exceeded for your account.',
            `Limit for resource '${RESOURCES[resource].label}' exceeded for your account. ` +
              `Available: ${String(Math.max(available, 0))}, Requested: ${String(requested)}`,
          )
        }
      }
      const move = (bound: keyof Holding, wanted: 'gain' | 'loss', sign: 1 | -1): void => {
        for (const [resource, amount] of entries) {
          if (amount > 0 === (wanted === 'gain')) holding(projectId, userId, resource)[bound] += sign * amount
        }
      }
      move('upper', 'gain', 1)
      move('lower', 'loss', 1)
      let open = true
      const settle = (finish: () => void) => (): void => {
        if (!open) return
        open = false
        finish()
      }
      return {
        accept: settle(() => {
          move('lower', 'gain', 1)
          move('upper', 'loss', 1)
        }),
        reject: settle(() => {
          move('upper', 'gain', -1)
          move('lower', 'loss', -1)
        }),
      }
    },
    report(userId) {
      return Object.fromEntries(
        projectsOf(userId).map((project) => [
          project.id,
          Object.fromEntries(
            (Object.keys(RESOURCES) as Resource[]).map((resource) => {
              const own = holding(project.id, userId, resource)
              const all = usageOf(project, resource)
              return [
                resource,
                {
                  usage: own.upper,
                  limit: project.memberLimits[resource],
                  pending: own.upper - own.lower,
                  project_usage: all.upper,
                  project_limit: project.limits[resource],
                  project_pending: all.upper - all.lower,
                },
              ]
            }),
          ),
        ]),
      )
    },
  }
}
