import { describe, expect, it } from 'vitest'
import type { OpenApiSchema } from '../../scripts/generate/open-api-document.js'
import { isSecret } from '../../scripts/generate-stackit/secrets.js'

const text: OpenApiSchema = { type: 'string' }
const place = (way: string, schema: OpenApiSchema = text, siblings: readonly string[] = []): boolean => {
  const dot = way.lastIndexOf('.')
  return isSecret(way.slice(0, dot), way.slice(dot + 1), siblings, schema)
}

describe('secrets of STACKIT', () => {
  it.each<[string, OpenApiSchema]>([
    ['ImageCreateResponse.uploadUrl', { type: 'string', 'x-stackit-logging': false }],
    ['LokiLogSinkCredentials.username', { type: 'string', 'x-go-type': 'secret.Secret' }],
    ['CreateUserPayload.word', { type: 'string', format: 'password' }],
    ['User.password', text],
    ['InstanceSensitiveData.grafanaAdminPassword', text],
    ['token.token', text],
    ['Kubeconfig.kubeconfig', text],
    ['kubeconfig.kubeconfig', { type: 'object', additionalProperties: true }],
    ['ServerConsoleUrl.url', text],
    ['CredentialsResponse.uri', text],
  ])('%s is one', (way, schema) => {
    expect(place(way, schema)).toBe(true)
  })

  it.each<[string, OpenApiSchema]>([
    ['BootVolume.size', { type: 'integer', writeOnly: true }],
    ['Image.name', { type: 'string', 'x-stackit-logging': true }],
    ['GetTokenResponse.token', { type: 'object', properties: {} }],
    ['ListResponse.nextPageToken', text],
    ['Instance.url', text],
    ['Instance.uri', text],
    ['PutCustomDomainCustomCertificate.certificate', { type: 'string', 'x-go-type': 'secret.Secret' }],
    ['CreateUserPayload.force_send_reset_password', { type: 'boolean' }],
  ])('%s is none', (way, schema) => {
    expect(place(way, schema)).toBe(false)
  })

  it('an address is one beside its password', () => {
    expect(place('User.uri', text, ['uri', 'password'])).toBe(true)
  })
})
