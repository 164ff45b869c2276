// Sends hostile requests to a daemon with the heap of the chart's smallest pod, one after the other or together, and sees
// that other senders are served.
import { request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { expect, onTestFinished, vi } from 'vitest'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest } from '../../fakes/logs-request.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import { cloudwatchConfig, type ConfigParts } from '../daemon/daemon-config.ts'
import { httpSender, sendUntilTaken, type Headers } from '../daemon/daemon-senders.ts'
import { type Daemon, startDaemon } from '../daemon/daemon.ts'
import type { Hostile } from './hostile-requests.ts'

/** MiB of heap, as the image sets for a pod of 512 MiB. */
const HEAP_MIB = 128
const PATIENT = { timeout: 60_000, interval: 50 }

export type Coding = 'identity' | 'gzip' | 'zstd'
export interface Way {
  readonly transport: 'http' | 'grpc'
  readonly coding: Coding
}

/** Daemons that take requests apart in different ways. */
export type Kind = keyof typeof KINDS

const TENANT = { authorization: 'Bearer token' }
const ALL_GROUPS = ['/test/*']

const KINDS = {
  /** Groups by attribute, as most are configured. */
  plain: {},
  /** A line of JSON is the event, and may name its own group. */
  raw: { exporter: { raw_log: true, route_from_body: true, allowed_log_groups: ALL_GROUPS } },
  /** A sender that may write next to nothing. */
  tenant: { tenant: true },
  /** What CloudWatch would not take is kept on disk. */
  storage: { storage: true },
  clamp: { exporter: { late_events: { policy: 'clamp' } } },
  divert: { exporter: { late_events: { policy: 'divert' } } },
  /** Two exporters that reject the same records. */
  twice: { twice: true },
  /** Two more exporters beside, one of which shows everything. */
  debug: { debug: true },
} satisfies Record<string, KindParts>

interface KindParts extends ConfigParts {
  readonly tenant?: true
  readonly storage?: true
  readonly twice?: true
  readonly debug?: true
}

interface YamlConfig {
  readonly extensions: object
  readonly exporters: { readonly awscloudwatchlogs: object }
  readonly service: { readonly extensions: readonly string[]; readonly pipelines: { readonly logs: object } }
}

async function configOf(kind: Kind, endpoint: string): Promise<object> {
  const parts: KindParts = KINDS[kind]
  // New groups are made at AWS's pace, a few a second: what waits for them is the matter of other tests.
  const exporter = { max_new_destinations: 20, ...parts.exporter }
  const base = cloudwatchConfig(endpoint, { ...parts, exporter }) as YamlConfig
  const { service } = base
  if (parts.tenant === true) {
    const protocol = { endpoint: '127.0.0.1:0', auth: { authenticator: 'bearertokenauth' } }
    const tenants = { small: { token: 'token', allowed_log_groups: ['/test/bystander'] } }
    return {
      ...base,
      extensions: { ...base.extensions, bearertokenauth: { tenants } },
      receivers: { otlp: { protocols: { grpc: protocol, http: protocol } } },
      service: { ...service, extensions: [...service.extensions, 'bearertokenauth'] },
    }
  }
  if (parts.storage === true) {
    const directory = await temporaryFolder()
    return {
      ...base,
      extensions: { ...base.extensions, file_storage: { directory, max_size: '1GiB' } },
      exporters: {
        awscloudwatchlogs: { ...base.exporters.awscloudwatchlogs, sending_queue: { storage: 'file_storage' } },
      },
      service: { ...service, extensions: [...service.extensions, 'file_storage'] },
    }
  }
  if (parts.twice === true) {
    const second = { ...base.exporters.awscloudwatchlogs, log_stream_name: 'second' }
    const logs = { ...service.pipelines.logs, exporters: ['awscloudwatchlogs', 'awscloudwatchlogs/second'] }
    return {
      ...base,
      exporters: { ...base.exporters, 'awscloudwatchlogs/second': second },
      service: { ...service, pipelines: { logs } },
    }
  }
  if (parts.debug === true) {
    const debug = { verbosity: 'detailed', use_internal_logger: false, output_paths: ['/dev/null'] }
    const logs = { ...service.pipelines.logs, exporters: ['awscloudwatchlogs', 'debug', 'nop'] }
    return {
      ...base,
      exporters: { ...base.exporters, debug, nop: {} },
      service: { ...service, pipelines: { logs } },
    }
  }
  return base
}

export class Target {
  readonly daemon: Daemon
  readonly #headers: Headers
  #bystanders = 0
  #probing = true
  #probed = 0
  #probeFailure: unknown
  /** ms the longest answer of the health check took; for people, as machines differ. */
  slowestHealthMs = 0

  private constructor(daemon: Daemon, headers: Headers) {
    this.daemon = daemon
    this.#headers = headers
  }

  static async start(kind: Kind): Promise<Target> {
    const local = await startCloudWatchLocal({ quotas: false })
    onTestFinished(() => local.close())
    const config = await configOf(kind, local.url)
    const daemon = await startDaemon(config, { nodeArgs: [`--max-old-space-size=${HEAP_MIB}`] })
    const target = new Target(daemon, kind === 'tenant' ? TENANT : {})
    const probing = target.#probe().catch((error: unknown) => {
      target.#probeFailure = error
    })
    onTestFinished(async () => {
      target.#probing = false
      await probing
    })
    return target
  }

  /** Asks the health check all the time. */
  async #probe(): Promise<void> {
    while (this.#probing) {
      const started = performance.now()
      const response = await fetch(this.daemon.healthUrl, { signal: AbortSignal.timeout(PATIENT.timeout) })
      await response.arrayBuffer()
      this.slowestHealthMs = Math.max(this.slowestHealthMs, performance.now() - started)
      if (response.status === 200) this.#probed++
      await sleep(20)
    }
  }

  /** @returns the answer: an HTTP status, or a gRPC code */
  async attack(request: Buffer, { transport, coding }: Way, json: boolean): Promise<number> {
    const body = coding === 'gzip' ? gzipSync(request) : coding === 'zstd' ? zstdCompressSync(request) : request
    return transport === 'http' ? this.#post(body, coding, json) : this.#call(body, coding)
  }

  #post(body: Buffer, coding: Coding, json: boolean): Promise<number> {
    const headers = {
      'content-type': json ? 'application/json' : 'application/x-protobuf',
      'content-length': body.length,
      ...(coding !== 'identity' && { 'content-encoding': coding }),
      ...this.#headers,
    }
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const options = { host: '127.0.0.1', port: this.daemon.httpPort, path: '/v1/logs', method: 'POST', headers }
    const call = httpRequest(options, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
      response.on('error', reject)
    })
    call.on('error', reject)
    call.end(body)
    return promise
  }

  /** Compressed by hand: grpc-js would do it again for each call. */
  async #call(body: Buffer, coding: Coding): Promise<number> {
    const algorithm = coding === 'gzip' ? 2 : 0
    const client = new Client(`127.0.0.1:${this.daemon.grpcPort}`, credentials.createInsecure(), {
      'grpc.enable_retries': 0,
      'grpc.default_compression_algorithm': algorithm,
      'grpc.max_send_message_length': -1,
    })
    const metadata = new Metadata()
    for (const [name, value] of Object.entries(this.#headers)) metadata.set(name, value)
    const path = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
    const same = (bytes: Buffer) => bytes
    const { promise, resolve } = Promise.withResolvers<number>()
    client.makeUnaryRequest(path, same, same, body, metadata, (error) => resolve(error?.code ?? 0))
    const code = await promise
    client.close()
    return code
  }

  /** A record of another sender is accepted. */
  async serves(): Promise<void> {
    const records = [{ body: `bystander ${this.#bystanders++}` }]
    const request = logsRequest({ resource: { 'service.name': 'bystander' }, scopes: [{ records }] })
    await sendUntilTaken(httpSender(this.daemon, this.#headers), request, () => {})
  }

  /**
   * It lives, the health check answers, everything of the bystander is stored, the account is even, and it stops as it
   * should.
   */
  async survived(): Promise<void> {
    expect(this.daemon.code, this.daemon.stderr.slice(-2_000)).toBeNull()
    const probed = this.#probed
    await vi.waitUntil(() => this.#probed > probed || this.#probeFailure !== undefined, PATIENT)
    expect(this.#probeFailure).toBeUndefined()
    await vi.waitUntil(async () => (await this.#delivered()) >= this.#bystanders, PATIENT)
    expect((await this.daemon.metrics()).unaccounted).toBe(0)
  }

  async #delivered(): Promise<number> {
    const { exporters } = (await this.daemon.ledger()) as {
      readonly exporters: {
        readonly awscloudwatchlogs: { readonly destinations: Record<string, { delivered: number }> }
      }
    }
    return exporters.awscloudwatchlogs.destinations['/test/bystander:s']?.delivered ?? 0
  }
}

/** Allowed answers: accepted, malformed, not permitted, too large, later; and the same in gRPC's codes. */
const HTTP_ANSWERS: ReadonlySet<number> = new Set([200, 400, 403, 413, 503])
const GRPC_ANSWERS: ReadonlySet<number> = new Set([0, 3, 7, 8, 14])

/** Each request gets an answer, and a record of another sender is accepted after it. */
export async function attackWith(
  target: Target,
  requests: readonly Hostile[],
  size: number,
  way: Way,
  report: (line: string) => void = () => {},
): Promise<void> {
  for (const { name, json, build } of requests) {
    const request = build(size)
    expect(request.length, name).toBeLessThanOrEqual(size)
    target.slowestHealthMs = 0
    const started = performance.now()
    const answer = await target.attack(request, way, json === true)
    const ms = Math.round(performance.now() - started)
    report(
      `${name}: ${request.length} bytes, answer ${answer} in ${ms} ms, health in ${Math.round(target.slowestHealthMs)} ms`,
    )
    expect(way.transport === 'http' ? HTTP_ANSWERS : GRPC_ANSWERS, `${name}: ${answer}`).toContain(answer)
    await target.serves()
  }
  await target.survived()
}
