import { readFileSync } from 'node:fs'

/**
 * Descriptors kept for all else: calls to CloudWatch, the files of queues, probes and scrapes, and some 30 of Node's own.
 * Where there are not twice as many, half of them.
 */
const RESERVE = 256

/** Connections that listeners may have open together: a process has so many descriptors, and needs some for itself. */
export class ConnectionRoom {
  readonly most: number
  #open = 0

  constructor(descriptors: number) {
    this.most = Math.max(descriptors - RESERVE, Math.floor(descriptors / 2))
  }

  /** Whether there is a place for one more; it is to be given back. */
  take(): boolean {
    if (this.#open >= this.most) return false
    this.#open++
    return true
  }

  giveBack(): void {
    this.#open--
  }
}

/** Of this process, for those who send to it. */
export const roomForSenders = new ConnectionRoom(openFilesLimit())

/** As it is at the start, which Node begins by raising the soft limit to the hard one. */
function openFilesLimit(): number {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return Number(soft ?? Number.POSITIVE_INFINITY)
  } catch {
    // No Linux, so nobody says it without a system call that Node does not have.
    return Number.POSITIVE_INFINITY
  }
}
