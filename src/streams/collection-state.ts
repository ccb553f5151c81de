/** What is known of an item beside the item. */
export interface ItemRules<T> {
  idOf(item: T): string
  version(item: T): string
  final?(item: T): boolean
}

/** What is to be told of an item: to those who watch all, and to those who watch its id. */
export interface Change<T> {
  readonly id: string
  readonly kind: 'added' | 'changed' | 'removed'
  readonly item: T
  readonly audience: Audience
}
export type Audience = 'both' | 'all' | 'ids'

interface Entry<T> {
  item: T
  version: string
  /** Whether it is one of the collection, and not only held for those who want its id. */
  listed: boolean
  /** The last poll that held it. */
  poll: number
}

/** The items of a collection as they were last seen, and those that left it but are wanted by id. */
export class CollectionState<T> {
  readonly #rules: ItemRules<T>
  readonly #wanted: (id: string) => boolean
  readonly #entries = new Map<string, Entry<T>>()
  /** Ids that are wanted and of which it was once said that there is nothing. */
  readonly #nothing = new Set<string>()
  #items: readonly T[] | undefined
  #poll = 0

  constructor(rules: ItemRules<T>, wanted: (id: string) => boolean) {
    this.#rules = rules
    this.#wanted = wanted
  }

  /** The items of the collection; the same array until something changes. */
  items(): readonly T[] {
    this.#items ??= [...this.#entries.values()].filter(({ listed }) => listed).map(({ item }) => item)
    return this.#items
  }

  get(id: string): T | undefined {
    return this.#entries.get(id)?.item
  }

  /** Whether all is known of this id that can be known. */
  knows(id: string): boolean {
    return this.#entries.has(id) || this.#nothing.has(id)
  }

  /** Nobody wants this id any more. */
  forget(id: string): void {
    this.#nothing.delete(id)
    if (this.#entries.get(id)?.listed === false) this.#entries.delete(id)
  }

  /** Takes over a complete poll. */
  take(items: readonly T[]): Change<T>[] {
    this.#poll += 1
    return items.flatMap((item) => this.#listed(item))
  }

  /** Known items that the last poll did not hold and of which more could be known. */
  absent(): string[] {
    const ids: string[] = []
    for (const [id, { item, poll }] of this.#entries) {
      if (poll !== this.#poll && !this.#isFinal(item)) ids.push(id)
    }
    return ids
  }

  /** Items that were over before they left: there is nothing to be asked. */
  leave(): Change<T>[] {
    const changes: Change<T>[] = []
    for (const [id, entry] of this.#entries) {
      if (entry.poll === this.#poll || !entry.listed || !this.#isFinal(entry.item)) continue
      changes.push(this.#unlist(id, entry))
    }
    return changes
  }

  /** Takes over what was said of an id that the last poll did not hold. */
  answer(id: string, item: T | undefined): Change<T>[] {
    const entry = this.#entries.get(id)
    if (item === undefined) {
      if (this.#wanted(id)) this.#nothing.add(id)
      if (entry === undefined) return []
      this.#entries.delete(id)
      this.#items = undefined
      return [{ id, kind: 'removed', item: entry.item, audience: entry.listed ? 'both' : 'ids' }]
    }
    if (entry === undefined) {
      if (!this.#wanted(id)) return []
      this.#entries.set(id, { item, version: this.#rules.version(item), listed: false, poll: this.#poll })
      return [{ id, kind: 'added', item, audience: 'ids' }]
    }
    const changes: Change<T>[] = []
    if (this.#renew(entry, item)) {
      changes.push({ id, kind: 'changed', item, audience: entry.listed ? 'both' : 'ids' })
    }
    if (entry.listed && this.#isFinal(item)) changes.push(this.#unlist(id, entry))
    return changes
  }

  #listed(item: T): Change<T>[] {
    const id = this.#rules.idOf(item)
    const entry = this.#entries.get(id)
    if (entry === undefined) {
      this.#items = undefined
      this.#entries.set(id, { item, version: this.#rules.version(item), listed: true, poll: this.#poll })
      return [{ id, kind: 'added', item, audience: 'both' }]
    }
    entry.poll = this.#poll
    const changed = this.#renew(entry, item)
    if (entry.listed) return changed ? [{ id, kind: 'changed', item, audience: 'both' }] : []
    entry.listed = true
    this.#items = undefined
    const added: Change<T> = { id, kind: 'added', item, audience: 'all' }
    return changed ? [added, { id, kind: 'changed', item, audience: 'ids' }] : [added]
  }

  #renew(entry: Entry<T>, item: T): boolean {
    const version = this.#rules.version(item)
    if (version === entry.version) return false
    entry.item = item
    entry.version = version
    this.#items = undefined
    return true
  }

  #isFinal(item: T): boolean {
    return this.#rules.final?.(item) === true
  }

  #unlist(id: string, entry: Entry<T>): Change<T> {
    entry.listed = false
    this.#items = undefined
    if (!this.#wanted(id)) this.#entries.delete(id)
    return { id, kind: 'removed', item: entry.item, audience: 'all' }
  }
}
