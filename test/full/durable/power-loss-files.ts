// A file system in memory that loses its power: of what was not synced, any part may be there afterwards or not, a page of
// a write without the next, a name without its file, in any order. Harder than a real disk, and as often as one likes.
import { basename, dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Files, OpenFile } from '../../../src/delivery/queue/disk/files/files.ts'

const PAGE_BYTES = 512

interface Inode {
  data: Buffer
  /** What is on the disk for certain. */
  durable: Buffer
  /** Since the last sync, oldest first. */
  pending: { readonly position: number; readonly bytes: Buffer }[]
}

export class PowerLossFiles implements Files {
  readonly #random: () => number
  #names = new Map<string, Inode>()
  #durableNames = new Map<string, Inode>()
  /** Calls until the power goes; undefined while it stays. */
  #callsLeft: number | undefined
  dead = false

  /** @param random from 0 to 1 */
  constructor(random: () => number) {
    this.#random = random
  }

  /** The power goes in the middle of the so-manieth call from now. */
  cutAfter(calls: number): void {
    this.#callsLeft = calls
  }

  /** What is there when the power is back. */
  restored(): PowerLossFiles {
    const after = new PowerLossFiles(this.#random)
    const survivors = new Map<Inode, Inode>()
    const paths = new Set([...this.#durableNames.keys(), ...this.#names.keys()])
    for (const path of paths) {
      const [before, now] = [this.#durableNames.get(path), this.#names.get(path)]
      const inode = before === now || this.#random() < 0.5 ? now : before
      if (inode === undefined) continue
      const survivor = survivors.get(inode) ?? this.#survivor(inode)
      survivors.set(inode, survivor)
      after.#names.set(path, survivor)
      after.#durableNames.set(path, survivor)
    }
    return after
  }

  #survivor({ durable, pending }: Inode): Inode {
    let data: Buffer = Buffer.from(durable)
    for (const { position, bytes } of pending) {
      for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
        if (this.#random() < 0.5) continue
        const page = bytes.subarray(at, at + PAGE_BYTES)
        data = grown(data, position + at + page.length)
        page.copy(data, position + at)
      }
    }
    return { data, durable: data, pending: [] }
  }

  async open(path: string, flags: 'r' | 'wx+'): Promise<OpenFile> {
    await this.#call()
    let inode = this.#names.get(path)
    if (flags === 'r' && inode === undefined) throw systemError('ENOENT')
    if (flags === 'wx+' && inode !== undefined) throw systemError('EEXIST')
    inode ??= { data: Buffer.alloc(0), durable: Buffer.alloc(0), pending: [] }
    this.#names.set(path, inode)
    return this.#opened(inode)
  }

  #opened(inode: Inode): OpenFile {
    return {
      write: async (parts, position) => {
        const bytes = Buffer.concat(parts)
        inode.data = grown(inode.data, position + bytes.length)
        bytes.copy(inode.data, position)
        inode.pending.push({ position, bytes })
        await this.#call()
      },
      read: async (position, length) => {
        await this.#call()
        return Buffer.from(inode.data.subarray(position, position + length))
      },
      sync: async () => {
        // What is written while it syncs is not in it.
        const data = Buffer.from(inode.data)
        const pending = [...inode.pending]
        await this.#call()
        inode.durable = data
        inode.pending = inode.pending.filter((write) => !pending.includes(write))
      },
      truncate: async (bytes) => {
        await this.#call()
        inode.data = Buffer.from(inode.data.subarray(0, bytes))
      },
      size: async () => {
        await this.#call()
        return inode.data.length
      },
      close: async () => {},
    }
  }

  async list(directory: string): Promise<string[]> {
    await this.#call()
    return [...this.#names.keys()].filter((path) => dirname(path) === join(directory)).map((path) => basename(path))
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#call()
    const inode = this.#names.get(from)
    if (inode === undefined) throw systemError('ENOENT')
    this.#names.delete(from)
    this.#names.set(to, inode)
  }

  async remove(path: string): Promise<void> {
    await this.#call()
    this.#names.delete(path)
  }

  async syncDirectory(): Promise<void> {
    const names = new Map(this.#names)
    await this.#call()
    this.#durableNames = names
  }

  async volume() {
    return { freeBytes: 1e12, bytes: 1e12, identity: 'memory' }
  }

  async #call(): Promise<void> {
    if (this.#callsLeft !== undefined && this.#callsLeft-- <= 0) this.dead = true
    await setImmediate()
    if (this.dead) throw systemError('EIO')
  }
}

function grown(bytes: Buffer, length: number): Buffer {
  return bytes.length >= length ? bytes : Buffer.concat([bytes, Buffer.alloc(length - bytes.length)])
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: the power is gone, or the file`), { code })
}
