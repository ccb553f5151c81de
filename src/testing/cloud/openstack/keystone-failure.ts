/** A refusal of the identity service; thrown, and answered in one place. */
export class KeystoneFailure extends Error {
  override readonly name = 'KeystoneFailure'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
}

export function errorBody({ status, message }: KeystoneFailure): string {
  return `${JSON.stringify({ error: { code: status, message, title: TITLES[status] ?? 'Error' } })}\n`
}

export function unauthorized(): KeystoneFailure {
  return new KeystoneFailure(401, 'The request you have made requires authentication.')
}

export function badRequest(missing: string): KeystoneFailure {
  const reason =
    'The server could not comply with the request since it is either malformed or otherwise incorrect. ' +
    'The client is assumed to be in error.'
  return new KeystoneFailure(400, `Expecting to find ${missing}. ${reason}`)
}
