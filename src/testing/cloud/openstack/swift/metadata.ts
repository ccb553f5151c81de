import { refused } from './failure.js'
import type { SwiftInfo } from './info.js'
import type { HeaderMap } from './state.js'

export type Level = 'Account' | 'Container' | 'Object'

/** The `X-<Level>-Meta-…` headers of a request, checked against the limits. */
export function readMetadata(headers: HeaderMap, level: Level, info: SwiftInfo): Map<string, string> {
  const prefix = `X-${level}-Meta-`
  const limits = info.swift
  const metadata = new Map<string, string>()
  let size = 0
  for (const [header, value] of headers) {
    if (!header.startsWith(prefix)) continue
    const name = header.slice(prefix.length)
    const shown = `${prefix.toLowerCase()}${name}`
    if (name === '') throw refused(400, 'Metadata name cannot be empty')
    if (name.length > limits.max_meta_name_length) throw refused(400, `Metadata name too long: ${shown}`)
    if (value.length > limits.max_meta_value_length) {
      throw refused(400, `Metadata value longer than ${String(limits.max_meta_value_length)}: ${shown}`)
    }
    size += name.length + value.length
    metadata.set(header, value)
  }
  if (metadata.size > limits.max_meta_count) {
    throw refused(400, `Too many metadata items; max ${String(limits.max_meta_count)}`)
  }
  if (size > limits.max_meta_overall_size) {
    throw refused(400, `Total metadata too large; max ${String(limits.max_meta_overall_size)}`)
  }
  return metadata
}

/**
 * Accounts and containers keep what a request does not name; an empty value or `X-Remove-…` takes an item away.
 * `others` are headers that are kept in the same way.
 */
export function mergeHeaders(
  kept: Map<string, string>,
  headers: HeaderMap,
  level: Exclude<Level, 'Object'>,
  info: SwiftInfo,
  others: readonly string[] = [],
): Map<string, string> {
  const merged = new Map(kept)
  const change = (name: string, value: string): void => {
    if (value === '') merged.delete(name)
    else merged.set(name, value)
  }
  for (const [name] of headers) {
    const removed = /^X-Remove-(.+)$/.exec(name)?.[1]
    if (removed === undefined) continue
    const header = `X-${removed}`
    if (header.startsWith(`X-${level}-Meta-`) || others.includes(header)) merged.delete(header)
  }
  for (const [name, value] of readMetadata(headers, level, info)) change(name, value)
  for (const name of others) {
    const value = headers.get(name)
    if (value !== undefined) change(name, value)
  }
  return merged
}
