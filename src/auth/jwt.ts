/**
 * What a JSON Web Token says; empty for a text that is none. The signature is not looked at: the token is ours to send, not to
 * trust.
 */
export function jwtClaims(text: string): Readonly<Record<string, unknown>> {
  const [, payload, signature] = text.split('.')
  if (payload === undefined || signature === undefined) return {}
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    return typeof claims === 'object' && claims !== null ? (claims as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}

/**
 * End of a JSON Web Token by its issuer's clock, in milliseconds since the epoch; undefined for a text that is none, or that
 * says nothing of its end.
 */
export function jwtExpiry(text: string): number | undefined {
  const { exp } = jwtClaims(text)
  return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : undefined
}
