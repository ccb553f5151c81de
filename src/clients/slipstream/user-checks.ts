import { isXmlText } from '../../http/xml-text.js'
import type { UserChanges, UserSpec } from './user-changes.js'

type Rule = readonly [holds: (value: unknown) => boolean, expected: string]

const text: Rule = [isText, 'a text without control characters']

const rules: Readonly<Record<Exclude<keyof UserChanges, 'cloudParameters'>, Rule>> = {
  password: text,
  email: text,
  firstName: text,
  lastName: text,
  organization: text,
  roles: [isListOf(/^[^,]+$/), 'a list of texts without commas'],
  issuper: [(value) => typeof value === 'boolean', 'true or false'],
  defaultCloud: text,
  keepRunning: oneOf('always', 'never', 'on-success', 'on-error'),
  sshPublicKeys: [isListOf(/^[^\n]+$/), 'a list of keys, each on one line'],
  logVerbosity: oneOf(0, 1, 2, 3),
  executionTimeout: [(value) => Number.isInteger(value) && Number(value) > 0, 'a whole number of minutes'],
  usageEmail: oneOf('never', 'daily'),
}

/** @throws TypeError that names the field, and never shows its value */
export function checkChanges(changes: UserChanges, argument: string): void {
  const given = changes as Readonly<Record<string, unknown>>
  for (const [field, [holds, expected]] of Object.entries(rules)) {
    const value = given[field]
    if (value !== undefined && !holds(value))
      throw new TypeError(`${argument}.${field}: expected ${expected}`)
  }
  for (const [cloud, parameters] of Object.entries(changes.cloudParameters ?? {})) {
    for (const [name, value] of Object.entries(parameters)) {
      if (isText(cloud + name) && isParameterValue(value)) continue
      const field = `${argument}.cloudParameters.${cloud}.${name}`
      throw new TypeError(`${field}: expected a text, a number, true or false`)
    }
  }
}

/** @throws TypeError that names the field that is wrong or missing, and never shows its value */
export function checkSpec(spec: UserSpec): void {
  const { name, password, email, firstName, lastName } = spec as { [field in keyof UserSpec]?: unknown }
  for (const [field, value] of Object.entries({ name, password, email, firstName, lastName })) {
    if (!isText(value) || value === '')
      throw new TypeError(`user.${field}: expected a text that is not empty`)
  }
  checkChanges(spec, 'user')
}

function oneOf(...words: readonly (string | number)[]): Rule {
  return [(value) => (words as readonly unknown[]).includes(value), `one of ${words.join(', ')}`]
}

function isListOf(item: RegExp): (value: unknown) => boolean {
  return (value) => Array.isArray(value) && value.every((entry) => isText(entry) && item.test(entry))
}

function isParameterValue(value: unknown): boolean {
  return isText(value) || Number.isFinite(value) || typeof value === 'boolean'
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && isXmlText(value)
}
