import type { Storage } from '../storage.js'
import { downloadMany } from './download-many.js'
import type { ManyStorage } from './many-storage.js'
import { syncDown, syncUp } from './sync.js'
import { uploadMany } from './upload-many.js'

/** The part of a store's face that moves many files. */
export type ManyMethods = Pick<Storage, 'uploadMany' | 'downloadMany' | 'syncUp' | 'syncDown'>

export function manyMethods(storage: ManyStorage): ManyMethods {
  return {
    uploadMany: (folder, target, options) => uploadMany(storage, folder, target, options),
    downloadMany: (target, folder, options) => downloadMany(storage, target, folder, options),
    syncUp: (folder, target, options) => syncUp(storage, folder, target, options),
    syncDown: (target, folder, options) => syncDown(storage, target, folder, options),
  }
}
