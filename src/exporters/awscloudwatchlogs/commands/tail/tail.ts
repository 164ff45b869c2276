import { defineComponentCommand, type CommandHost, type ExitCode } from '../../../../component/command.ts'
import { ComponentError } from '../../../../component/component.ts'
import { Aws } from '../../aws/aws.ts'
import { type Config, configSchema } from '../../config.ts'
import { clientSettings } from '../../settings/client-settings.ts'
import { groupsOf } from './groups.ts'
import { printLine, printLines } from './line.ts'
import { follow, NoSuchGroup } from './follow.ts'
import { sinceMs } from './since.ts'

/** For cloudwatch_local, which checks only the form of a signature. */
const LOCAL = { region: 'us-east-1', credentials: { access_key_id: 'local', secret_access_key: 'local' } }
const TYPE = 'awscloudwatchlogs'

export const command = defineComponentCommand({
  description: `Prints events of a log group as they arrive, from AWS or from cloudwatch_local.

GROUP is the name of a log group, or its beginning and an asterisk, such as '/eks/*'. Without GROUP, the groups that the
config writes to. The region, endpoint, role and credentials are those of the awscloudwatchlogs exporter in --config;
without --config, those of the environment. Events come by FilterLogEvents, about a second after CloudWatch has them.`,
  argument: 'GROUP',
  options: {
    since: { type: 'string', value: 'TIME', description: 'start there: 10m, 2h, or 2026-11-28T10:00:00Z; default 1m' },
    filter: { type: 'string', value: 'PATTERN', description: 'a filter pattern of CloudWatch Logs' },
    json: { type: 'boolean', description: 'one JSON object a line: timestamp, group, stream, message' },
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
    const config = await configFor(values, host)
    if (config === undefined) return 2
    const group = values.GROUP ?? groupsOf(config)
    if (group === undefined) {
      host.err('GROUP: write the name of a log group, or its beginning and an asterisk, such as /eks/*\n')
      return 2
    }
    const print = values.json === true ? printLine : printLines(host.colors)
    return tail({ group, since, filter: values.filter, follows: values['no-follow'] !== true }, config, host, print)
  },
})

interface Asked {
  readonly group: string
  readonly since: number
  readonly filter: string | undefined
  readonly follows: boolean
}

async function tail(asked: Asked, config: Config, host: CommandHost, print: typeof printLine): Promise<ExitCode> {
  const stopped = new AbortController()
  void host.stopRequested.then(() => stopped.abort())
  let aws: Aws | undefined
  try {
    aws = new Aws(clientSettings(config), 4, host.env, undefined)
    const region = await aws.region()
    const client = await aws.readingClient()
    try {
      for await (const event of follow(client, asked, (note) => host.err(`${note}\n`), stopped.signal)) {
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
    if (stopped.signal.aborted) return 0
    host.err(`${error instanceof Error ? error.message : String(error)}\n`)
    return error instanceof ComponentError ? 2 : 1
  } finally {
    await aws?.close()
  }
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
