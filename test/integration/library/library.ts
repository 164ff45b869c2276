// The library against a CloudWatch in the same process.
import { onTestFinished, vi } from 'vitest'
import {
  CloudWatchLogRecordExporter,
  type CloudWatchLogRecordExporterOptions,
  type ExportResult,
} from '../../../src/index.ts'
import { type CloudWatchLocal, type CloudWatchLocalOptions, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest, type RecordFields, recordsRequest } from '../../fakes/logs-request.ts'

export type Options = Partial<CloudWatchLogRecordExporterOptions>

/** Waits are short, so that tests are: a fault that lasts is asked about at the latest after `maxInterval`. */
const FAST: Options = { retryOnFailure: { initialInterval: '20ms', maxInterval: '200ms' } }

export interface Library {
  readonly local: CloudWatchLocal
  readonly exporter: CloudWatchLogRecordExporter
  /** Exports and waits for what became of it. */
  readonly send: (...records: RecordFields[]) => Promise<ExportResult>
  /** The same for records of groups `/app/<name>`, by name; needs `logGroupName: '/app/{name}'`. */
  readonly sendTo: (names: readonly string[], body: string) => Promise<ExportResult>
}

export async function localCloudWatch(options: CloudWatchLocalOptions = { quotas: false }): Promise<CloudWatchLocal> {
  const local = await startCloudWatchLocal(options)
  onTestFinished(() => local.close())
  return local
}

/** An exporter to `local`, or to one of its own. Both are closed with the test. */
export async function library(options: Options = {}, local?: CloudWatchLocal): Promise<Library> {
  const cloudwatch = local ?? (await localCloudWatch())
  const exporter = new CloudWatchLogRecordExporter({
    logGroupName: 'group',
    logStreamName: 'stream',
    region: 'us-east-1',
    endpoint: cloudwatch.url,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    flushTimeoutMillis: 20_000,
    ...FAST,
    ...options,
  })
  onTestFinished(() => exporter.shutdown())
  return {
    local: cloudwatch,
    exporter,
    send: (...records) => exported(exporter, recordsRequest(...records)),
    sendTo: (names, body) =>
      exported(
        exporter,
        logsRequest(...names.map((name) => ({ resource: { name }, scopes: [{ records: [{ body }] }] }))),
      ),
  }
}

export function exported(exporter: CloudWatchLogRecordExporter, request: Uint8Array): Promise<ExportResult> {
  return new Promise((resolve) => exporter.exportSerialized(request, resolve))
}

/** Bodies that are stored, by time; of one group or of all. Every record of these tests has a text for a body. */
export function storedBodies(local: CloudWatchLocal, group?: string): string[] {
  return local.events(group).map(({ message }) => (JSON.parse(message) as { readonly body: string }).body)
}

/** The words of a failed export; undefined for one that succeeded. */
export function problem({ code, error }: ExportResult): string | undefined {
  return code === 0 ? undefined : (error?.message ?? '')
}

/** An environment without anything the AWS SDK could find credentials or a Region in. */
export function withoutAws(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent/config')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent/credentials')
  onTestFinished(() => void vi.unstubAllEnvs())
}
