import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import type { Daemon } from '../daemon/daemon.ts'

/** An answer of the health check that takes longer does not come. */
const PATIENCE_MS = 60_000

/** Looks after one daemon until it is ended: its health, its memory, and whether it lives. */
export class Watch {
  slowestHealthMs = 0
  peakRssBytes = 0
  peakHeapBytes = 0
  peakBufferBytes = 0
  readonly sick: string[] = []
  readonly unaccounted: number[] = []
  dead = false
  readonly #daemon: Daemon
  readonly #pid: number
  readonly #running: Promise<unknown>
  #on = true

  constructor(daemon: Daemon, pid: number) {
    this.#daemon = daemon
    this.#pid = pid
    void daemon.ended.then(() => (this.dead = true))
    this.#running = Promise.all([this.#probe(), this.#measure()])
    onTestFinished(() => this.end())
  }

  async end(): Promise<void> {
    this.#on = false
    await this.#running
  }

  async #probe(): Promise<void> {
    while (this.#on && !this.dead) {
      const startedAt = performance.now()
      const health = await fetch(this.#daemon.healthUrl, { signal: AbortSignal.timeout(PATIENCE_MS) }).then(
        async (response) => {
          await response.arrayBuffer()
          return String(response.status)
        },
        String,
      )
      // An end that was asked for also breaks a connection.
      if (health !== '200' && this.#on && !this.dead && this.sick.length < 5) this.sick.push(health)
      this.slowestHealthMs = Math.max(this.slowestHealthMs, performance.now() - startedAt)
      await sleep(50)
    }
  }

  async #measure(): Promise<void> {
    while (this.#on && !this.dead) {
      const status = await readFile(`/proc/${this.#pid}/status`, 'latin1').catch(() => '')
      const peakKib = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0)
      this.peakRssBytes = Math.max(this.peakRssBytes, peakKib * 1024)
      // A daemon that dies does not answer.
      const metrics = await this.#daemon.metrics().catch(() => undefined)
      if (metrics !== undefined) {
        this.peakHeapBytes = Math.max(this.peakHeapBytes, metrics.value('otelcol_process_runtime_heap_alloc_bytes'))
        this.peakBufferBytes = Math.max(this.peakBufferBytes, metrics.value('otlp_cloudwatch_buffer_bytes_peak'))
        if (metrics.unaccounted !== 0) this.unaccounted.push(metrics.unaccounted)
      }
      await sleep(200)
    }
  }
}
