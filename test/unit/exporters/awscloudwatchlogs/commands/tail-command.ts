// The command `tail` in this process, against a CloudWatch Logs of the test.
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { onTestFinished } from 'vitest'
import type { CommandHost, ExporterConfigs } from '../../../../../src/component/command.ts'
import { command } from '../../../../../src/exporters/awscloudwatchlogs/commands/tail/tail.ts'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../../../fakes/cloudwatch.ts'

export const WITHIN = { timeout: 20_000, interval: 20 }

export async function local(): Promise<CloudWatchLocal> {
  const started = await startCloudWatchLocal()
  onTestFinished(() => started.close())
  return started
}

/** Stores messages of now, in a group and a stream that are made if they are not there. */
export async function put({ url }: CloudWatchLocal, group: string, stream: string, messages: readonly string[]) {
  const client = new CloudWatchLogsClient({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  const names = { logGroupName: group, logStreamName: stream }
  await client.send(new CreateLogGroupCommand({ logGroupName: group })).catch(ifExists)
  await client.send(new CreateLogStreamCommand(names)).catch(ifExists)
  const timestamp = Date.now()
  await client.send(
    new PutLogEventsCommand({ ...names, logEvents: messages.map((message) => ({ timestamp, message })) }),
  )
  client.destroy()
}

function ifExists(error: Error): void {
  if (error.name !== 'ResourceAlreadyExistsException') throw error
}

/** Runs the command; `stop` is the signal that ends it. */
export function run(
  values: Readonly<Record<string, string | boolean>>,
  configs: ExporterConfigs = { kind: 'no_config' },
) {
  const stop = Promise.withResolvers<void>()
  const output = { out: '', err: '' }
  const host: CommandHost = {
    out: (text) => void (output.out += text),
    outDrained: async () => {},
    err: (text) => void (output.err += text),
    env: {},
    colors: values['colors'] === true,
    stopRequested: stop.promise,
    exporterConfigs: async () => configs,
    storageDirectories: async () => ({ kind: 'no_config' }),
    pipelines: async () => ({ kind: 'no_config' }),
  }
  return { output, stop: () => stop.resolve(), ended: command.run(values as Parameters<typeof command.run>[0], host) }
}

export const record = (body: string, more: object = {}) => JSON.stringify({ body, severity_number: 17, ...more })
