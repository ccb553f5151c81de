/** What all variants ask for, and what they must find. */
export const TOKEN = 'bench-token'
export const SERVER_ID = 42

export interface Target {
  readonly authUrl: string
  readonly serverUrl: string
}

export function targetAt(port: number): Target {
  const origin = `http://127.0.0.1:${port}`
  return { authUrl: `${origin}/identity/v2.0`, serverUrl: `${origin}/compute/v2.0/servers/${SERVER_ID}` }
}

export interface ServerDetail {
  readonly id: string | number
  readonly status: string
}

/** Proves that the body was read and parsed. */
export function checkServer({ id, status }: ServerDetail): void {
  if (id !== SERVER_ID || status !== 'ACTIVE')
    throw new Error(`expected server ${SERVER_ID}, got ${id} (${status})`)
}
