import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { diag, type DiagLogger, DiagLogLevel } from '@opentelemetry/api'
import { expect, onTestFinished, test, vi } from 'vitest'
import { library, localCloudWatch, problem, storedBodies, withoutAws } from '../library/library.ts'

/** What the application's OpenTelemetry diagnostics hear, by level. */
function diagnostics(): string[] {
  const logged: string[] = []
  const logAt =
    (level: string) =>
    (message: string): void =>
      void logged.push(`${level}: ${message}`)
  const logger: DiagLogger = {
    error: logAt('error'),
    warn: logAt('warn'),
    info: logAt('info'),
    debug: logAt('debug'),
    verbose: logAt('verbose'),
  }
  diag.setLogger(logger, DiagLogLevel.INFO)
  logged.length = 0
  onTestFinished(() => diag.disable())
  return logged
}

const NONE = 'error: CloudWatchLogRecordExporter: no AWS credentials were found; records wait until there are some'

test('without credentials: logged once, forceFlush reports it, and records wait until there are some', async () => {
  withoutAws()
  const logged = diagnostics()
  const local = await localCloudWatch()
  const { exporter, send } = await library({ credentials: undefined }, local)
  const sent = send({ body: 'a' })
  await vi.waitUntil(() => exporter.ledger.retries >= 3, { timeout: 20_000 })
  await expect(exporter.forceFlush()).rejects.toThrow('no AWS credentials were found; 1 records wait')
  await expect(exporter.forceFlush()).rejects.toThrow('no AWS credentials were found; 1 records wait')
  expect(logged.filter((line) => line === NONE)).toHaveLength(1)
  expect(local.calls.all).toEqual([])

  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  await exporter.forceFlush()
  expect((await sent).code).toBe(0)
  expect(storedBodies(local)).toEqual(['a'])
})

test('a shutdown without credentials does not use up its timeout', async () => {
  withoutAws()
  const logged = diagnostics()
  const { exporter, send } = await library({ credentials: undefined, flushTimeoutMillis: 600_000 })
  const sent = send({ body: 'a' })
  await vi.waitUntil(() => exporter.ledger.retries >= 1, { timeout: 20_000 })
  await exporter.shutdown()
  await exporter.shutdown()
  expect(problem(await sent)).toBe('not every record was delivered: 1 lost: shutdown')
  expect(logged.filter((line) => line.includes('are lost'))).toEqual([
    'error: CloudWatchLogRecordExporter: 1 records could not be sent before shutdown and are lost',
  ])
})

test('a shutdown does not wait past its deadline for credentials, and counts what it could not send', async () => {
  withoutAws()
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => {
    silent.close()
    silent.closeAllConnections()
  })
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `http://127.0.0.1:${(silent.address() as AddressInfo).port}`)
  const { exporter, send } = await library({ credentials: undefined, flushTimeoutMillis: 200 })
  const requested = once(silent, 'request')
  const sent = send({ body: 'a' })
  await requested
  // The server never answers: a shutdown that waited for the credentials would not end.
  await exporter.shutdown()
  expect(problem(await sent)).toBe('not every record was delivered: 1 lost: shutdown')
  expect(exporter.ledger.difference()).toBe(0)
})

test('without a Region: every export fails and names the option, until there is one', async () => {
  withoutAws()
  const { exporter, local, send } = await library({ region: '' })
  const first = await send({ body: 'a' })
  expect(problem(first)).toMatch(/^the exporter could not start: /)
  expect(first.error?.cause).toMatchObject({
    message:
      'region: none is set: write region, or set AWS_REGION (AWS_EC2_METADATA_DISABLED disables instance metadata)',
  })
  await expect(exporter.forceFlush()).resolves.toBeUndefined()

  vi.stubEnv('AWS_REGION', 'eu-central-1')
  expect((await send({ body: 'b' })).code).toBe(0)
  expect(storedBodies(local)).toEqual(['b'])
  expect(local.calls.all.at(-1)?.region).toBe('eu-central-1')
})

test('a certificate file that cannot be read is named', async () => {
  const { send } = await library({ certificateFilePath: '/nonexistent/ca.pem' })
  const { error } = await send({ body: 'a' })
  expect(error?.cause).toMatchObject({
    message:
      'certificate_file_path: /nonexistent/ca.pem cannot be read: write the path of a PEM file this process may read',
  })
})

interface Answer {
  readonly status: number
  readonly content: string
}

/** A service of AWS that gives one answer, by method and path, or has none; what it was asked is kept. */
async function startService(answer: (request: IncomingMessage, body: string) => Answer | string | undefined) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      asked.push(`${request.method} ${request.url} ${body}`)
      const given = answer(request, body) ?? { status: 404, content: '' }
      const { status, content } = typeof given === 'string' ? { status: 200, content: given } : given
      response.writeHead(status).end(content)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

test('on EC2 the Region is that of the instance', async () => {
  withoutAws()
  const metadata = await startService(({ method, url, headers }) => {
    if (method === 'PUT' && url === '/latest/api/token') return 'the-token'
    const known = headers['x-aws-ec2-metadata-token'] === 'the-token'
    return known && url === '/latest/meta-data/placement/region' ? 'eu-west-3' : undefined
  })
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', undefined)
  vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', metadata.url)
  const { local, send } = await library({ region: '' })
  expect((await send({ body: 'a' })).code).toBe(0)
  expect(local.calls.all.at(-1)?.region).toBe('eu-west-3')
})

const ROLE = 'arn:aws:iam::123456789012:role/logs'

function assumed(): string {
  return `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
    <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
    <Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration>
    </Credentials></AssumeRoleResult></AssumeRoleResponse>`
}

test('role_arn is assumed with external_id, and its credentials sign the puts', async () => {
  withoutAws()
  const sts = await startService(assumed)
  vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url)
  const { local, send } = await library({ roleArn: ROLE, externalId: 'shared-secret' })
  expect((await send({ body: 'a' }, { body: 'b' })).code).toBe(0)
  expect((await send({ body: 'c' })).code).toBe(0)
  expect(new Set(local.calls.all.map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(['ASIAROLE']))
  expect(sts.asked).toHaveLength(1)
  const asked = new URLSearchParams(sts.asked[0]?.split(' ', 3)[2])
  expect(asked.get('Action')).toBe('AssumeRole')
  expect(asked.get('RoleArn')).toBe(ROLE)
  expect(asked.get('ExternalId')).toBe('shared-secret')
})

// Of CloudWatch each of these would be about a group, an account, the events, or a put that may have been taken.
test.each<[code: string, status: number]>([
  ['AccessDenied', 403],
  ['Throttling', 400],
  ['ValidationError', 400],
  ['InternalFailure', 500],
])('records wait while STS answers %s (%d), and are sent once the role is assumed', async (code, status) => {
  withoutAws()
  let isWell = false
  const failure = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
    <Code>${code}</Code><Message>not now</Message></Error></ErrorResponse>`
  const sts = await startService(() => (isWell ? assumed() : { status, content: failure }))
  vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url)
  const { local, exporter, sendTo } = await library({ roleArn: ROLE, logGroupName: '/app/{name}' })
  const sent = sendTo(['a', 'b'], 'x')
  await vi.waitUntil(() => exporter.ledger.retries >= 3, { timeout: 20_000 })
  expect(exporter.ledger).toMatchObject({ queued: 2, delivered: 0, possibleDuplicates: 0 })
  expect(local.calls.all).toEqual([])

  isWell = true
  expect((await sent).code).toBe(0)
  expect(exporter.ledger).toMatchObject({ delivered: 2, possibleDuplicates: 0 })
})

test('a credentialProvider of the application is called, and called again when its credentials expire', async () => {
  withoutAws()
  let asked = 0
  const credentialProvider = async () => ({
    accessKeyId: `AKID${++asked}`,
    secretAccessKey: 'secret',
    expiration: new Date(Date.now() + 1_000),
  })
  const { local, send } = await library({ credentials: undefined, credentialProvider })
  expect((await send({ body: 'a' })).code).toBe(0)
  const first = local.calls.all.at(-1)?.accessKeyId
  expect((await send({ body: 'b' })).code).toBe(0)
  expect(first).toMatch(/^AKID\d+$/)
  expect(local.calls.all.at(-1)?.accessKeyId).toBe(`AKID${asked}`)
  expect(local.calls.all.at(-1)?.accessKeyId).not.toBe(first)
})
