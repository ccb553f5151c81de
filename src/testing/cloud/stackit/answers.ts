import type { Exchange } from '../service.js'

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  500: 'Internal Server Error',
}

/** The error shape of the service-account, resource-manager and authorization services (stackit dossier 6). */
export function sendError(exchange: Exchange, now: number, status: number, message: string): void {
  exchange.json(status, {
    timeStamp: new Date(now).toISOString(),
    path: exchange.path,
    status,
    error: REASONS[status] ?? 'Error',
    message,
  })
}

/** What an authorised caller gets who may not do this, or whose project does not exist (stackit dossier 4.2, 4.6). */
export function sendForbidden(exchange: Exchange): void {
  exchange.json(403, {
    error: { code: 403, status: 'Forbidden', message: 'The request could not be performed' },
  })
}
