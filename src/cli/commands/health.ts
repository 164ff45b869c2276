import { get } from 'node:http'
import type { Values } from '../../component/command.ts'
import { defineCommand, type CommandContext } from '../command.ts'
import { CONFIG_OPTIONS, loadConfigFrom } from '../load-config.ts'

/** Longer than a Kubernetes probe usually waits, so that the probe's own timeout decides. */
const TIMEOUT_MS = 5_000
/** Another program may answer on the port. */
const MAX_BODY_LENGTH = 10_000

const OPTIONS = {
  ...CONFIG_OPTIONS,
  endpoint: {
    type: 'string',
    value: 'HOST:PORT',
    description: 'its address; default: the endpoint in the config, or localhost:13133',
  },
} as const

export const command = defineCommand({
  description: 'Queries the health_check extension of a running daemon. Exits with 0 if it is healthy, 1 if not.',
  options: OPTIONS,
  async run(values, context) {
    const url = await findUrl(values, context)
    if (url === undefined) return 2
    const { status, body } = await ask(url)
    const healthy = status === 200
    const text = `${body.trim()}\n`
    if (healthy) context.out(text)
    else context.err(status === undefined ? text : `${url.href} answered ${status}: ${text}`)
    return healthy ? 0 : 1
  },
})

interface Place {
  readonly endpoint: string
  readonly path: string
}

/** Returns undefined for an error of usage or config, which is on stderr. */
async function findUrl(values: Values<typeof OPTIONS>, context: CommandContext): Promise<URL | undefined> {
  const place = values.config === undefined ? DEFAULT : await placeInConfig(values, context)
  if (place === undefined) return undefined
  const endpoint = values.endpoint ?? place.endpoint
  // A listen address such as 0.0.0.0 is not always reachable.
  const reachable = endpoint.replace(/^(|0\.0\.0\.0|localhost):/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')
  const url = `http://${reachable}${place.path}`
  if (URL.canParse(url)) return new URL(url)
  context.err(`${JSON.stringify(endpoint)} is not an address: write host and port, such as localhost:13133\n`)
  return undefined
}

/** The collector's defaults. */
const DEFAULT: Place = { endpoint: 'localhost:13133', path: '/' }

async function placeInConfig(values: Values<typeof OPTIONS>, context: CommandContext): Promise<Place | undefined> {
  const loaded = await loadConfigFrom(values, context)
  if (loaded === undefined) return undefined
  const id = loaded.config.service.extensions.find((id) => loaded.config.extensions.get(id)?.id.type === 'health_check')
  if (id === undefined) {
    context.err('The config has no health_check: define it under extensions: and name it in service.extensions.\n')
    return undefined
  }
  const { printableConfig } = await import('../../config/describe/print.ts')
  const extensions = printableConfig(loaded.written, 'redacted')['extensions'] as Readonly<
    Record<string, Partial<Place>>
  >
  return { ...DEFAULT, ...extensions[id] }
}

/** Never rejects: an error is an answer without a status. */
function ask(url: URL): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: TIMEOUT_MS }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (body += chunk.slice(0, MAX_BODY_LENGTH - body.length)))
      response.on('end', () => resolve({ status: response.statusCode, body }))
      response.on('error', fail)
    })
    const fail = (error: Error) => resolve({ status: undefined, body: `${url.href} does not answer: ${error.message}` })
    request.on('timeout', () => request.destroy(new Error(`no response for ${TIMEOUT_MS / 1_000} s`)))
    request.on('error', fail)
  })
}
