import { isSecretName } from '../../errors.js'

/** Whether a parameter holds a secret, by its name: `ss:run.api.key`, `machine:admin_password`, `dbPassword`. */
export function isSecretParameter(key: string): boolean {
  const name = key.slice(key.indexOf(':') + 1)
  const words = name.replaceAll(/[.-]|(?<=[a-z])(?=[A-Z])/g, '_')
  return isSecretName(words) || /pass(?:word|wd|phrase)$/i.test(words)
}
