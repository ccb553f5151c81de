// Names of types and methods from the names in a document.

/** `zone_models.ImportZoneJson` -> `ZoneModelsImportZoneJson`, `create-intakePayload` -> `CreateIntakePayload` */
export function pascalCase(name: string): string {
  return name
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

/** `load-balancer` -> `loadBalancer`, `CreateZone` -> `createZone` */
export function camelCase(name: string): string {
  const pascal = pascalCase(name)
  return pascal.charAt(0).toLowerCase() + pascal.slice(1)
}

/** A property as it is written in an object. */
export function propertyName(name: string): string {
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) ? name : text(name)
}

/** A text as it is written in a program. */
export function text(value: string): string {
  return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

/** Gives names that nobody has yet: `Name`, `Name2`, `Name3`. */
export class Names {
  readonly #taken: Set<string>

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken)
  }

  has(name: string): boolean {
    return this.#taken.has(name)
  }

  take(wanted: string): string {
    let name = wanted
    for (let count = 2; this.#taken.has(name); count += 1) name = `${wanted}${count}`
    this.#taken.add(name)
    return name
  }
}
