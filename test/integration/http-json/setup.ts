import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { type Daemon, type DaemonOptions, startDaemon } from '../daemon/daemon.ts'

export interface Parts {
  readonly receiver?: object
  readonly exporter?: object
  readonly extensions?: Readonly<Record<string, object>>
  readonly service?: object
}

/** A config that takes JSON and sends it to CloudWatch at `url`. */
export function jsonConfig(url: string, { receiver, exporter, extensions = {}, service }: Parts = {}) {
  const config = cloudwatchConfig(url, {
    exporter: { log_group_name: '/default', allowed_log_groups: ['/apps/*'], ...exporter },
  }) as { readonly extensions: object; readonly service: object }
  return {
    ...config,
    extensions: { ...config.extensions, ...extensions },
    receivers: { http_json: { endpoint: '127.0.0.1:0', ...receiver } },
    service: {
      extensions: ['health_check', ...Object.keys(extensions)],
      pipelines: { logs: { receivers: ['http_json'], exporters: ['awscloudwatchlogs'] } },
      ...service,
    },
  }
}

export async function startCloudWatch(): Promise<CloudWatchLocal> {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  return local
}

export interface Running {
  readonly local: CloudWatchLocal
  readonly daemon: Daemon
}

export async function run(parts: Parts = {}, options: DaemonOptions = {}): Promise<Running> {
  const local = await startCloudWatch()
  return { local, daemon: await startDaemon(jsonConfig(local.url, parts), options) }
}

/** Parts with queue and keys in a directory that goes with the test. */
export async function onDisk({ receiver, exporter, ...rest }: Parts = {}): Promise<
  Parts & { readonly directory: string }
> {
  const directory = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-keys-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return {
    ...rest,
    directory,
    extensions: { file_storage: { directory } },
    receiver: { storage: 'file_storage', ...receiver },
    exporter: { sending_queue: { storage: 'file_storage' }, ...exporter },
  }
}

export const LOG = { log_group: '/apps/shop', log_stream: 'web', log_message: 'paid', level: 'INFO' }

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

/** Sends `POST /logs`: an object as JSON, and text as it is. */
export async function post(
  daemon: Daemon,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array
  const response = await fetch(`http://127.0.0.1:${daemon.httpPort}/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: isRaw ? (body as string) : JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

export async function arrived(local: CloudWatchLocal, count: number): Promise<void> {
  await vi.waitUntil(() => local.events().length >= count, { timeout: 20_000, interval: 20 })
}
