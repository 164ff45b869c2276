// A load of records that are all different, and a CloudWatch that counts how often each one came.
//
//   const counting = await startCountingCloudWatch()
//   const load = new Load([httpSender(daemon), grpcSender(daemon)])
//   ...
//   await load.finish()                  every request it began has been taken
//   counting.copies(load.acknowledged)   { 1: 12345 } if each acknowledged record is there once
import { setTimeout as sleep } from 'node:timers/promises'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest } from '../../fakes/logs-request.ts'
import { type Send, sendUntilTaken } from './daemon-senders.ts'

export const RECORDS_A_REQUEST = 50
/** So that a record is about 700 bytes: what an access log line with a few attributes comes to. */
const PADDING = 'x'.repeat(600)
/** Lanes the load goes to. */
export const SERVICES = 5

export class Load {
  /** Ids of the records that the daemon has taken. */
  readonly acknowledged: string[] = []
  /** Of those, as the daemon said, will not arrive. */
  rejected = 0
  /** Number of retryable answers of each sender. */
  readonly waits: number[]
  readonly #finished: Promise<unknown>
  readonly #pauseMs: number
  #requests = 0
  #on = true

  /**
   * Each sender sends one request after the other.
   * @param pauseMs rest of a sender between two requests
   */
  constructor(senders: readonly Send[], pauseMs = 0) {
    this.#pauseMs = pauseMs
    this.waits = senders.map(() => 0)
    this.#finished = Promise.all(senders.map((send, index) => this.#run(send, index)))
    this.#finished.catch(() => {}) // thrown by `finish`
  }

  /**
   * Begins no request any more and waits until those under way were taken.
   * @throws what went wrong with any request in all the time
   */
  async finish(): Promise<void> {
    this.#on = false
    await this.#finished
  }

  async #run(send: Send, index: number): Promise<void> {
    while (this.#on) {
      const request = ++this.#requests
      const ids = Array.from({ length: RECORDS_A_REQUEST }, (_, record) => `${request}/${record}`)
      const { rejected } = await sendUntilTaken(send, requestOf(request, ids), () => {
        this.waits[index] = (this.waits[index] ?? 0) + 1
      })
      this.rejected += rejected
      this.acknowledged.push(...ids)
      if (this.#pauseMs > 0) await sleep(this.#pauseMs)
    }
  }
}

function requestOf(request: number, ids: readonly string[]): Uint8Array {
  return logsRequest({
    resource: { 'service.name': `service-${request % SERVICES}` },
    scopes: [{ records: ids.map((id) => ({ body: `${id} ${PADDING}`, time: BigInt(Date.now()) * 1_000_000n })) }],
  })
}

export interface CountingCloudWatch {
  readonly local: CloudWatchLocal
  /** Records that came at least once. */
  readonly arrived: number
  /** How many records of these ids came how often: `{ 0: missing, 1: once, 2: twice }`. */
  copies(ids: readonly string[]): Record<number, number>
}

/** A local CloudWatch that keeps little and counts everything. */
export async function startCountingCloudWatch(): Promise<CountingCloudWatch> {
  const seen = new Map<string, number>()
  const local = await startCloudWatchLocal({
    maxBytes: 2 * 1024 * 1024,
    keepCalls: 0,
    onStored: ({ events }) => {
      for (const { message } of events) {
        const id = message.slice('{"body":"'.length, message.indexOf(' '))
        seen.set(id, (seen.get(id) ?? 0) + 1)
      }
    },
  })
  return {
    local,
    get arrived() {
      return seen.size
    },
    copies(ids) {
      const copies: Record<number, number> = {}
      for (const id of ids) {
        const count = seen.get(id) ?? 0
        copies[count] = (copies[count] ?? 0) + 1
      }
      return copies
    },
  }
}
