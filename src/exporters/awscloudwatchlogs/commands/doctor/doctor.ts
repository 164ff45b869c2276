import { refuse, stopSignal } from '../host.ts'
import { defineComponentCommand } from '../../../../component/command.ts'
import type { Config } from '../../config.ts'
import { parseTemplate } from '../../route/template.ts'
import { findExporters } from '../find-exporters.ts'
import { examine } from './examine.ts'
import { printJson, printText } from './print.ts'
import { Redaction } from './redact.ts'
import { type Reported, type Reporter, Steps } from './step.ts'

const DEFAULT_TIMEOUT_SECONDS = 10
const MAX_TIMEOUT_SECONDS = 300
const SECRET_VARIABLES = ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_CONTAINER_AUTHORIZATION_TOKEN']
const PROXY_VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy']

export const command = defineComponentCommand({
  description: `Checks, with the config and the credentials of the daemon, that it can write to CloudWatch Logs.

Region, endpoint (name, connection, proxy, TLS), clock, credentials, instance metadata if there are none (hop limit),
identity, each action that the config needs, and a canary event, which is written, read back and removed. An action that is
denied is printed with the IAM statement that allows it. Nothing is changed, except a stream of the canary event named
otlp-cloudwatch-doctor-…, and the group with --create-group.

The exit code is 0 if nothing failed, 1 if something did, and 2 for bad usage or config.`,
  options: {
    group: {
      type: 'string',
      value: 'GROUP',
      description: 'log group for the canary event; default: that of the config, if it has no placeholders',
    },
    'create-group': {
      type: 'boolean',
      description: 'create the group if it is missing, as the daemon would; it stays',
    },
    exporter: { type: 'string', value: 'ID', description: 'only this exporter' },
    timeout: {
      type: 'string',
      value: 'SECONDS',
      description: `longest wait of each step; default ${DEFAULT_TIMEOUT_SECONDS}`,
    },
    json: { type: 'boolean', description: 'one JSON object for each step, one a line' },
  },
  async run(values, host) {
    const { group, timeout = String(DEFAULT_TIMEOUT_SECONDS), exporter: id } = values
    const parsed = group === undefined ? undefined : parseTemplate('group', group)
    if (typeof parsed === 'string') return refuse(`--group: ${parsed}`, host)
    if (parsed !== undefined && parsed.placeholders.length > 0)
      return refuse(`--group: ${JSON.stringify(group)} has a placeholder: write one fixed name`, host)
    const seconds = Number(timeout)
    if (!/^\d+$/.test(timeout) || seconds < 1 || seconds > MAX_TIMEOUT_SECONDS)
      return refuse(
        `--timeout: ${JSON.stringify(timeout)} is not a number of seconds: write one from 1 to ${MAX_TIMEOUT_SECONDS}`,
        host,
      )
    const exporters = await findExporters(id, host)
    if (exporters === undefined) return 2
    const stop = stopSignal(host)
    const redaction = redactionOf(host.env)
    const print = values.json === true ? printJson : printText(host.colors)
    const reporter: Reporter = {
      report: (reported) => host.out(print(redacted(reported, redaction))),
      progress: (text) => host.err(`${text}\n`),
    }
    let failed = false
    for (const exporter of exporters) {
      const { credentials, proxy_address: proxy } = exporter.config as Config
      redaction.add(credentials?.secret_access_key, credentials?.session_token)
      redaction.addUrl(proxy)
      if (values.json !== true) host.out(`exporter ${exporter.id}\n`)
      const steps = new Steps(exporter.id, reporter, stop, seconds * 1_000)
      await examine(exporter, steps, {
        env: host.env,
        group,
        createsGroup: values['create-group'] === true,
        stop: stop,
        redaction,
      })
      failed ||= steps.failed
      if (!stop.aborted) continue
      host.err('stopped\n')
      return 1
    }
    return failed ? 1 : 0
  },
})

function redactionOf(env: NodeJS.ProcessEnv): Redaction {
  const redaction = new Redaction()
  redaction.add(...SECRET_VARIABLES.map((name) => env[name]))
  for (const name of PROXY_VARIABLES) redaction.addUrl(env[name])
  return redaction
}

function redacted(reported: Reported, redaction: Redaction): Reported {
  const { detail, advice } = reported
  return {
    ...reported,
    detail: redaction.apply(detail),
    ...(advice === undefined ? {} : { advice: redaction.apply(advice) }),
  }
}
