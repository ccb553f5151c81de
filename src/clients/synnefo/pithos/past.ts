import { wholeNumber } from '../storage/arguments.js'

/** The server ignores what is no whole number, and does something else (pithos dossier 4.3). */
export function checkUntil(until: number | undefined, argument: string): number | undefined {
  return until === undefined ? undefined : wholeNumber(argument, until)
}

export function checkVersion(version: number | string | undefined, argument: string): number | undefined {
  return version === undefined ? undefined : wholeNumber(argument, version)
}
