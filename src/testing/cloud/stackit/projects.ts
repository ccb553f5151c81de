/** What stands above all services: who asks for something else gets 403 (stackit dossier 4.6). */
export interface Projects {
  has(level: Level, id: string): boolean
  add(level: Level, id: string): void
  remove(level: Level, id: string): void
  /** Projects of a network area. */
  inArea(area: string): readonly string[]
  joinArea(area: string, project: string): void
  leaveArea(area: string, project: string): void
}

export type Level = 'project' | 'folder' | 'organization'

export function createProjects(): Projects {
  const known = { project: new Set<string>(), folder: new Set<string>(), organization: new Set<string>() }
  const areas = new Map<string, Set<string>>()
  return {
    has: (level, id) => known[level].has(id),
    add(level, id) {
      known[level].add(id)
    },
    remove(level, id) {
      known[level].delete(id)
    },
    inArea: (area) => [...(areas.get(area) ?? [])],
    joinArea(area, project) {
      areas.set(area, new Set([...(areas.get(area) ?? []), project]))
    },
    leaveArea(area, project) {
      areas.get(area)?.delete(project)
    },
  }
}
