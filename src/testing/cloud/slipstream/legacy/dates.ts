/** `yyyy-MM-dd HH:mm:ss.S z`: the fraction is milliseconds without leading zeros (slipstream dossier 7). */
export function legacyDate(ms: number): string {
  const date = new Date(ms)
  return `${date.toISOString().slice(0, 19).replace('T', ' ')}.${String(date.getUTCMilliseconds())} UTC`
}
