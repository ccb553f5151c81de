/** A refusal of the CIMI side; thrown, and answered in one place (slipstream dossier 3.5). */
export class CimiFailure extends Error {
  override readonly name = 'CimiFailure'
  readonly status: number
  readonly resourceId: string | undefined

  constructor(status: number, message: string, resourceId?: string) {
    super(message)
    this.status = status
    this.resourceId = resourceId
  }
}

export function notFound(id: string): CimiFailure {
  return new CimiFailure(404, `${id} not found`, id)
}

/** A document names itself when it is refused, a collection does not. */
export function forbidden(id?: string): CimiFailure {
  return id === undefined
    ? new CimiFailure(403, 'credentials required')
    : new CimiFailure(403, `invalid credentials for '${id}'`, id)
}

export function invalidSchema(explanation: string): CimiFailure {
  return new CimiFailure(400, `resource does not satisfy defined schema:\n${explanation}`)
}
