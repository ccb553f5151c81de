/**
 * End of a JSON Web Token by its issuer's clock, in milliseconds since the epoch; undefined for a text that is none, or that
 * says nothing of its end. The signature is not looked at: the token is ours to send, not to trust.
 */
export function jwtExpiry(text: string): number | undefined {
  const [, payload, signature] = text.split('.')
  if (payload === undefined || signature === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return undefined
    return typeof claims.exp === 'number' && Number.isFinite(claims.exp) ? claims.exp * 1000 : undefined
  } catch {
    return undefined
  }
}
