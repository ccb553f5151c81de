const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const FORMS = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  /^[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/,
  // Sunday, 06-Nov-94 08:49:37 GMT
  /^[A-Z][a-z]{5,8}, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/,
  // Sun Nov  6 08:49:37 1994
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/,
]

/** A date of a header, in milliseconds, in any of the three forms of RFC 2616. */
export function parseHttpDate(text: string): number | undefined {
  for (const form of FORMS) {
    const parts = form.exec(text.trim())?.groups
    if (!parts) continue
    const { day = '', month = '', year = '', time = '' } = parts
    const index = MONTHS.indexOf(month)
    if (index < 0) return undefined
    const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number)
    return Date.UTC(fullYear(year), index, Number(day), hours, minutes, seconds)
  }
  return undefined
}

/** `Sun, 06 Nov 1994 08:49:37 GMT`. */
export function httpDate(ms: number): string {
  return new Date(ms).toUTCString()
}

/** `1994-11-06T08:49:37.123000+00:00`. */
export function isoDate(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000+00:00')
}

/** `"784111777.123000"`: seconds since the epoch, as listings write them. */
export function epochSeconds(ms: number): string {
  return (ms / 1000).toFixed(6)
}

function fullYear(digits: string): number {
  const year = Number(digits)
  if (digits.length === 4) return year
  return year < 70 ? 2000 + year : 1900 + year
}
