import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { defineComponentCommand, type CommandHost, type ExitCode } from '../../../../component/command.ts'
import { ComponentError } from '../../../../component/component.ts'
import { Aws } from '../../aws/aws.ts'
import { type Config, configSchema } from '../../config.ts'
import { clientSettings } from '../../settings/client-settings.ts'
import { TYPE } from '../find-exporters.ts'
import { stopSignal } from '../host.ts'
import { groupsOf } from './groups.ts'
import { printLine, printLines } from './line.ts'
import { follow, type Followed, NoSuchGroup, type TailedEvent } from './follow.ts'
import { followLive, LiveTailUnavailable } from './live.ts'
import { sinceMs } from './since.ts'

/** For cloudwatch_local, which checks only the form of a signature. */
const LOCAL = { region: 'us-east-1', credentials: { access_key_id: 'local', secret_access_key: 'local' } }

export const command = defineComponentCommand({
  description: `Prints events of a log group as they arrive, from AWS or from cloudwatch_local.

GROUP is the name of a log group, or its beginning and an asterisk, such as '/eks/*'. Without GROUP, the groups that the
config writes to. The region, endpoint, role and credentials are those of the awscloudwatchlogs exporter in --config;
without --config, those of the environment.

Events come by FilterLogEvents: every event from --since on, a second or more after CloudWatch has it. --live uses a Live
Tail session (StartLiveTail) instead: events from now on, sooner, of the groups that exist at its start. It is not the
default because AWS charges for each minute of it, and because it shows only a sample when over 500 events a second match;
tail reports that. Where Live Tail is denied or does not exist, events come by FilterLogEvents.`,
  argument: 'GROUP',
  options: {
    since: { type: 'string', value: 'TIME', description: 'start there: 10m, 2h, or 2026-11-28T10:00:00Z; default 1m' },
    filter: { type: 'string', value: 'PATTERN', description: 'a filter pattern of CloudWatch Logs' },
    json: { type: 'boolean', description: 'one JSON object a line: timestamp, group, stream, message' },
    live: {
      type: 'boolean',
      description: 'use Live Tail: sooner, sampled above 500 events a second, charged by the minute',
    },
    'no-follow': { type: 'boolean', description: 'end after the events that are there' },
    exporter: { type: 'string', value: 'ID', description: 'one of several awscloudwatchlogs exporters in the config' },
    endpoint: {
      type: 'string',
      value: 'URL',
      description: 'in place of that of the config, such as http://localhost:4588',
    },
    region: { type: 'string', value: 'REGION', description: 'in place of that of the config' },
  },
  async run(values, host) {
    const since = sinceMs(values.since ?? '1m', Date.now())
    if (since === undefined) {
      host.err(`--since: ${JSON.stringify(values.since)} is not a time: write 10m, 2h, or 2026-11-28T10:00:00Z\n`)
      return 2
    }
    const conflict = values.since !== undefined ? 'since' : values['no-follow'] === true ? 'no-follow' : undefined
    if (values.live === true && conflict !== undefined) {
      host.err(`--live: a Live Tail session begins now and goes on: leave out --live or --${conflict}\n`)
      return 2
    }
    const config = await configFor(values, host)
    if (config === undefined) return 2
    const group = values.GROUP ?? groupsOf(config)
    if (group === undefined) {
      host.err('GROUP: write the name of a log group, or its beginning and an asterisk, such as /eks/*\n')
      return 2
    }
    const print = values.json === true ? printLine : printLines(host.colors)
    const asked = {
      group,
      since,
      filter: values.filter,
      follows: values['no-follow'] !== true,
      live: values.live === true,
    }
    return tail(asked, config, host, print)
  },
})

interface Asked extends Followed {
  readonly live: boolean
}

/** Events as asked for; those of FilterLogEvents where there is no Live Tail. */
async function* eventsOf(
  client: CloudWatchLogsClient,
  asked: Asked,
  note: (text: string) => void,
  signal: AbortSignal,
): AsyncGenerator<TailedEvent> {
  let { since } = asked
  if (asked.live) {
    try {
      yield* followLive(client, asked, note, signal)
      return
    } catch (error) {
      if (!(error instanceof LiveTailUnavailable)) throw error
      note(`${error.message}; events come by FilterLogEvents`)
      since = error.sinceMs
    }
  }
  yield* follow(client, { ...asked, since }, note, signal)
}

async function tail(asked: Asked, config: Config, host: CommandHost, print: typeof printLine): Promise<ExitCode> {
  const stop = stopSignal(host)
  let aws: Aws | undefined
  try {
    aws = new Aws(clientSettings(config), 4, host.env, undefined)
    const region = await aws.region()
    const client = await aws.readingClient()
    try {
      for await (const event of eventsOf(client, asked, (note) => host.err(`${note}\n`), stop)) {
        host.out(print(event))
        await host.outDrained()
      }
    } catch (error) {
      if (!(error instanceof NoSuchGroup)) throw error
      host.err(`there is no log group ${error.group} in ${region}\n`)
      return 1
    } finally {
      client.destroy()
    }
    return 0
  } catch (error) {
    if (stop.aborted) return 0
    host.err(`${reasonOf(error, config)}\n`)
    return error instanceof ComponentError ? 2 : 1
  } finally {
    await aws?.close()
  }
}

/** A refused connection mostly means that the daemon with cloudwatch_local does not run. */
function reasonOf(error: unknown, { endpoint }: Config): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as NodeJS.ErrnoException
  if (code !== 'ECONNREFUSED' || endpoint === '') return error.message
  return `nothing listens at ${endpoint} (${error.message}): start the daemon there, or write another --endpoint`
}

/** The exporter's settings with what the command line replaces; undefined if there are none, and stderr says why. */
async function configFor(
  { exporter, endpoint, region }: { exporter?: string; endpoint?: string; region?: string },
  host: CommandHost,
): Promise<Config | undefined> {
  const found = await host.exporterConfigs(TYPE)
  if (found.kind === 'invalid') return undefined
  const configs = found.kind === 'found' ? (found.configs as ReadonlyMap<string, Config>) : new Map<string, Config>()
  const [first] = exporter === undefined ? configs.values() : [configs.get(exporter)]
  if (first === undefined && (exporter !== undefined || found.kind === 'found')) {
    const there = configs.size === 0 ? `no ${TYPE} exporter` : `these: ${[...configs.keys()].join(', ')}`
    host.err(`${exporter === undefined ? '--config' : `--exporter: ${exporter}`}: the config has ${there}\n`)
    return undefined
  }
  const isLocal = endpoint !== undefined && /^https?:\/\/(?:localhost|127\.|\[::1\])/.test(endpoint)
  const written = first ?? configSchema.parse({ log_group_name: '-', log_stream_name: '-', ...(isLocal ? LOCAL : {}) })
  return { ...written, ...(endpoint === undefined ? {} : { endpoint }), ...(region === undefined ? {} : { region }) }
}
