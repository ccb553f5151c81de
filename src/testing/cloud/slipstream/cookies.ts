import type { Exchange } from '../service.js'

/** The cookie of SlipStream's sessions (slipstream dossier 2.1). */
export const SESSION_COOKIE = 'com.sixsq.slipstream.cookie'

/** `Sat, 30 Mar 2019 09:15:00 +0000`: a numeric zone, where most servers write GMT. */
export function cookieDate(time: number): string {
  return new Date(time).toUTCString().replace('GMT', '+0000')
}

/** What takes the session out of the client's jar, at logout and on the legacy side's 401. */
export function revokingCookie(wallNow: number, name: string = SESSION_COOKIE): string {
  return `${name}=INVALID;Path=/;Max-Age=0;Expires=${cookieDate(wallNow)}`
}

/** The value of a cookie that the request carries. */
export function cookieOf(exchange: Exchange, name: string): string | undefined {
  for (const pair of (exchange.headers.cookie ?? '').split(';')) {
    const [key = '', ...value] = pair.split('=')
    if (key.trim() === name) return value.join('=').trim()
  }
  return undefined
}
