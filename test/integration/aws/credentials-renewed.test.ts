// Credentials that AWS refuses are looked for again, past what is remembered of files, profiles and functions.
import { once } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import { type ConfigParts, cloudwatchConfig } from '../daemon/daemon-config.ts'
import { postRecords } from '../daemon/daemon-senders.ts'
import { type Daemon, startDaemon } from '../daemon/daemon.ts'
import { library, localCloudWatch, withoutAws } from '../library/library.ts'

const PATIENT = { timeout: 30_000, interval: 20 }
const SOON = { retry_on_failure: { initial_interval: '20ms', max_interval: '200ms' } }

/** As kubelet and `aws configure` write: the file is the old one or the new one. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text)
  await rename(`${path}.new`, path)
}

function keys(profile: string, accessKeyId: string): string {
  return `[${profile}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = secret\n`
}

/** A CloudWatch that refuses every call but those signed with the new key. */
async function refusing(code: string): Promise<{ local: CloudWatchLocal; takesKey: (id: string) => Promise<void> }> {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  const fault = local.faults.error(code, 'The security token included in the request is invalid', 400)
  return {
    local,
    async takesKey(id) {
      await vi.waitUntil(() => local.calls.all.at(-1)?.accessKeyId === id, PATIENT)
      fault.off()
    },
  }
}

async function delivered(daemon: Daemon, records: number): Promise<void> {
  await vi.waitFor(async () => {
    const metrics = await daemon.metrics()
    expect(metrics.value('otlp_cloudwatch_records', { state: 'delivered' })).toBe(records)
  }, PATIENT)
}

async function daemonWith(
  local: CloudWatchLocal,
  env: Readonly<Record<string, string>>,
  exporter: ConfigParts['exporter'] = {},
): Promise<Daemon> {
  const config = cloudwatchConfig(local.url, { exporter: { ...SOON, ...exporter } })
  return startDaemon(config, { env: { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', ...env } })
}

test.each(['UnrecognizedClientException', 'ExpiredTokenException', 'InvalidSignatureException'])(
  'a credentials file that is rewritten while AWS answers %s is read again, and nothing is lost',
  async (code) => {
    const path = join(await temporaryFolder(), 'credentials')
    await replace(path, keys('default', 'AKIDOLD'))
    const { local, takesKey } = await refusing(code)
    const daemon = await daemonWith(local, { AWS_SHARED_CREDENTIALS_FILE: path })
    await postRecords(daemon, { body: 'a' }, { body: 'b' })
    await vi.waitUntil(() => local.calls.all.length >= 3, PATIENT)
    expect(local.calls.all.at(-1)?.accessKeyId).toBe('AKIDOLD')
    await replace(path, keys('default', 'AKIDNEW'))
    await takesKey('AKIDNEW')
    await delivered(daemon, 2)
    expect(await daemon.stop()).toBe(0)
  },
)

test('a credentials file that is created after the start is found', async () => {
  const path = join(await temporaryFolder(), 'credentials')
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  const daemon = await daemonWith(local, { AWS_SHARED_CREDENTIALS_FILE: path })
  await postRecords(daemon, { body: 'a' })
  await daemon.says((log) => log.some(({ msg }) => msg.startsWith('no AWS credentials were found')))
  await replace(path, keys('default', 'AKIDNEW'))
  await delivered(daemon, 1)
  expect(local.calls.all.at(-1)?.accessKeyId).toBe('AKIDNEW')
})

test('a profile whose source changes is followed', async () => {
  const path = join(await temporaryFolder(), 'config')
  const printing = (id: string) =>
    `[profile logs]\ncredential_process = echo '{"Version": 1, "AccessKeyId": "${id}", "SecretAccessKey": "s"}'\n`
  await replace(path, printing('AKIDOLD'))
  const { local, takesKey } = await refusing('InvalidClientTokenId')
  const daemon = await daemonWith(local, { AWS_CONFIG_FILE: path }, { profile: 'logs' })
  await postRecords(daemon, { body: 'a' })
  await vi.waitUntil(() => local.calls.all.at(-1)?.accessKeyId === 'AKIDOLD', PATIENT)
  await replace(path, printing('AKIDNEW'))
  await takesKey('AKIDNEW')
  await delivered(daemon, 1)
})

/** Gives credentials that are good for an hour, as it says, under whatever key is set. */
async function credentialService(): Promise<{ url: string; key: string; asked: number }> {
  const service = { url: '', key: 'AKIDOLD', asked: 0 }
  const server = createServer((_, response) => {
    service.asked++
    const Expiration = new Date(Date.now() + 3_600_000).toISOString()
    response.end(JSON.stringify({ AccessKeyId: service.key, SecretAccessKey: 's', Token: 't', Expiration }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  service.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return service
}

test('container credentials that are revoked before they expire are requested again, but not for each put', async () => {
  const service = await credentialService()
  const { local, takesKey } = await refusing('ExpiredTokenException')
  const daemon = await daemonWith(local, { AWS_CONTAINER_CREDENTIALS_FULL_URI: service.url })
  await postRecords(daemon, { body: 'a' })
  await vi.waitUntil(() => local.calls.all.length >= 8, PATIENT)
  expect(service.asked).toBeLessThan(local.calls.all.length)
  service.key = 'AKIDNEW'
  await takesKey('AKIDNEW')
  await delivered(daemon, 1)
})

test("a library's credentialProvider is called again", async () => {
  withoutAws()
  const local = await localCloudWatch()
  const fault = local.faults.error('UnrecognizedClientException', 'no', 400)
  let key = 'AKIDOLD'
  const credentialProvider = async () => ({ accessKeyId: key, secretAccessKey: 'secret' })
  const { send } = await library({ credentials: undefined, credentialProvider }, local)
  const sent = send({ body: 'a' })
  await vi.waitUntil(() => local.calls.all.length >= 2, PATIENT)
  key = 'AKIDNEW'
  await vi.waitUntil(() => local.calls.all.at(-1)?.accessKeyId === 'AKIDNEW', PATIENT)
  fault.off()
  expect(await sent).toEqual({ code: 0 })
})

test('a role is assumed again, with its source credentials resolved again', async () => {
  withoutAws()
  const path = join(await temporaryFolder(), 'credentials')
  await replace(path, keys('default', 'AKIDOLD'))
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', path)
  const assumed = (
    id: string,
  ) => `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
    <Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
    <Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
  const sts = createServer((request, response) => {
    // The role's key is named after the key it was asked for with.
    response.end(assumed(`ROLE-OF-${/Credential=([^/]+)/.exec(request.headers.authorization ?? '')?.[1]}`))
  }).listen(0, '127.0.0.1')
  await once(sts, 'listening')
  onTestFinished(() => {
    sts.close()
    sts.closeAllConnections()
  })
  vi.stubEnv('AWS_ENDPOINT_URL_STS', `http://127.0.0.1:${(sts.address() as AddressInfo).port}`)
  const local = await localCloudWatch()
  const fault = local.faults.error('ExpiredTokenException', 'no', 400)
  const { send } = await library({ credentials: undefined, roleArn: 'arn:aws:iam::123456789012:role/logs' }, local)
  const sent = send({ body: 'a' })
  await vi.waitUntil(() => local.calls.all.at(-1)?.accessKeyId === 'ROLE-OF-AKIDOLD', PATIENT)
  await replace(path, keys('default', 'AKIDNEW'))
  await vi.waitUntil(() => local.calls.all.at(-1)?.accessKeyId === 'ROLE-OF-AKIDNEW', PATIENT)
  fault.off()
  expect(await sent).toEqual({ code: 0 })
})
