// Each variable of the table in src/aws/environment/variables.ts, as it shows in the calls that are made.
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Call } from '../../fakes/cloudwatch.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import { library, localCloudWatch, type Options, withoutAws } from '../library/library.ts'
import { startProxy, startTls, TLS } from './proxies.ts'

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret' }

function setVariables(variables: Readonly<Record<string, string>>): void {
  withoutAws()
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
}

/** The put of an exporter whose options name nothing but what is given here. */
async function putWith(variables: Readonly<Record<string, string>>, options: Options = {}): Promise<Call | undefined> {
  setVariables(variables)
  const { local, send } = await library({ credentials: undefined, ...options })
  expect(await send({ body: 'a' })).toEqual({ code: 0 })
  return local.calls.all.at(-1)
}

async function file(content: string): Promise<string> {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'file'), content)
  return join(folder, 'file')
}

const PROFILES = `[default]
aws_access_key_id = AKIDDEFAULT
aws_secret_access_key = secret
[other]
aws_access_key_id = AKIDOTHER
aws_secret_access_key = secret
`

test.each([
  [{ AWS_REGION: 'eu-west-1' }, 'eu-west-1'],
  [{ AWS_DEFAULT_REGION: 'eu-west-2' }, 'eu-west-2'],
  [{ AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-2' }, 'eu-west-1'],
  [{ AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-2' }, 'eu-west-2'],
  [{ AWS_REGION: ' eu-west-1\n' }, 'eu-west-1'],
])('%j: the Region is %s', async (variables, region) => {
  const put = await putWith({ ...KEYS, ...variables }, { region: '' })
  expect(put?.region).toBe(region)
})

test('the option goes before the variables', async () => {
  const put = await putWith({ ...KEYS, AWS_REGION: 'eu-west-1' }, { region: 'eu-central-1\n' })
  expect(put?.region).toBe('eu-central-1')
})

test('AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN from a Secret with a line break', async () => {
  const put = await putWith({
    AWS_ACCESS_KEY_ID: 'AKIDENV\n',
    AWS_SECRET_ACCESS_KEY: 'secret\r\n',
    AWS_SESSION_TOKEN: ' token\n',
  })
  expect(put?.accessKeyId).toBe('AKIDENV')
  expect(put?.headers['x-amz-security-token']).toBe('token')
})

test.each([
  [{}, 'AKIDDEFAULT'],
  [{ AWS_PROFILE: 'other' }, 'AKIDOTHER'],
  [{ AWS_DEFAULT_PROFILE: 'other' }, 'AKIDOTHER'],
  [{ AWS_PROFILE: 'default', AWS_DEFAULT_PROFILE: 'other' }, 'AKIDDEFAULT'],
  [{ AWS_PROFILE: 'other\n' }, 'AKIDOTHER'],
  // As with the AWS CLI and the SDK for Go.
  [{ AWS_PROFILE: 'other', ...KEYS }, 'AKIDENV'],
])('AWS_SHARED_CREDENTIALS_FILE and %j sign with %s', async (variables, accessKeyId) => {
  const put = await putWith({ AWS_SHARED_CREDENTIALS_FILE: await file(PROFILES), ...variables })
  expect(put?.accessKeyId).toBe(accessKeyId)
})

test('AWS_CONFIG_FILE has the Region of a profile', async () => {
  const config = await file('[profile other]\nregion = ap-south-1\n')
  const put = await putWith({ ...KEYS, AWS_CONFIG_FILE: config, AWS_PROFILE: 'other' }, { region: '' })
  expect(put?.region).toBe('ap-south-1')
})

test('the option profile goes before keys in the environment', async () => {
  const put = await putWith({ ...KEYS, AWS_SHARED_CREDENTIALS_FILE: await file(PROFILES) }, { profile: 'other' })
  expect(put?.accessKeyId).toBe('AKIDOTHER')
})

test.each([
  ['AWS_ENDPOINT_URL', {}],
  ['AWS_ENDPOINT_URL_CLOUDWATCH_LOGS', { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }],
])('%s is the endpoint', async (name, others) => {
  const local = await localCloudWatch()
  setVariables({ ...KEYS, ...others, [name]: `${local.url}\n` })
  const { send } = await library({ endpoint: '', credentials: undefined }, local)
  expect(await send({ body: 'a' })).toEqual({ code: 0 })
  expect(local.calls.count('PutLogEvents', 'ok')).toBe(1)
})

// Nothing answers behind a tunnel to these hosts, so the names that the proxy is asked for are all there is to see.
test.each([
  [{}, 'logs.us-east-1.amazonaws.com'],
  [{ AWS_USE_FIPS_ENDPOINT: 'true' }, 'logs-fips.us-east-1.amazonaws.com'],
  [{ AWS_USE_DUALSTACK_ENDPOINT: 'true' }, 'logs.us-east-1.api.aws'],
  [{ AWS_USE_FIPS_ENDPOINT: 'True\n', AWS_USE_DUALSTACK_ENDPOINT: 'true' }, 'logs-fips.us-east-1.api.aws'],
  [
    { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
    'logs.us-east-1.amazonaws.com',
  ],
])('%j: the host is %s', async (variables, host) => {
  const proxy = await startProxy('http://127.0.0.1:1')
  setVariables({ ...KEYS, ...variables, HTTPS_PROXY: proxy.url })
  const { send, exporter } = await library({ endpoint: '', credentials: undefined, flushTimeoutMillis: 100 })
  const sent = send({ body: 'a' })
  await vi.waitUntil(() => proxy.asked.length > 0, { timeout: 20_000 })
  expect(proxy.asked[0]).toBe(`CONNECT ${host}:443`)
  await exporter.shutdown()
  await sent
})

test('use_fips_endpoint of a profile is followed, and fips: false goes before it', async () => {
  const config = await file('[default]\nuse_fips_endpoint = true\n')
  for (const [options, host] of [
    [{}, 'logs-fips.us-east-1.amazonaws.com'],
    [{ fips: false }, 'logs.us-east-1.amazonaws.com'],
  ] as const) {
    const proxy = await startProxy('http://127.0.0.1:1')
    setVariables({ ...KEYS, AWS_CONFIG_FILE: config, HTTPS_PROXY: proxy.url })
    const { send, exporter } = await library({
      endpoint: '',
      credentials: undefined,
      flushTimeoutMillis: 100,
      ...options,
    })
    const sent = send({ body: 'a' })
    await vi.waitUntil(() => proxy.asked.length > 0, { timeout: 20_000 })
    expect(proxy.asked[0]).toBe(`CONNECT ${host}:443`)
    await exporter.shutdown()
    await sent
  }
})

test.each(['AWS_CA_BUNDLE', 'SSL_CERT_FILE'])('%s is trusted', async (name) => {
  const local = await localCloudWatch()
  const endpoint = await startTls(local.url)
  setVariables({ ...KEYS, [name]: `${TLS}ca.pem` })
  const { send } = await library({ endpoint, credentials: undefined }, local)
  expect(await send({ body: 'a' })).toEqual({ code: 0 })
})

test.each([
  [{ AWS_CA_BUNDLE: '/none.pem' }, {}, 'AWS_CA_BUNDLE: /none.pem cannot be read: write the path of a PEM file'],
  [{ SSL_CERT_FILE: '/dev/null' }, {}, 'SSL_CERT_FILE: /dev/null contains no certificate'],
  [{ AWS_USE_FIPS_ENDPOINT: 'yes' }, {}, 'AWS_USE_FIPS_ENDPOINT: "yes" is neither true nor false'],
  [{ AWS_USE_FIPS_ENDPOINT: 'true' }, {}, 'endpoint: cannot be combined with AWS_USE_FIPS_ENDPOINT'],
  [{ AWS_REGION: 'eu\nwest' }, {}, 'AWS_REGION: has a line break or another control character in it'],
  [{ AWS_SECRET_ACCESS_KEY: 'c4n4\nry' }, {}, 'AWS_SECRET_ACCESS_KEY: has a line break'],
  [{ AWS_REGION: 'Frankfurt am Main' }, { region: '' }, 'region: "Frankfurt am Main" is not a Region'],
])('%j stops the start', async (variables, options, message) => {
  setVariables({ ...KEYS, ...variables })
  const { send } = await library({ credentials: undefined, ...options })
  const { error } = await send({ body: 'a' })
  expect(String(error?.cause)).toContain(message)
  expect(String(error?.cause)).not.toContain('c4n4')
})

/** A service on loopback that gives credentials to who brings the token. */
async function credentialService(token: string): Promise<string> {
  const server = createServer((request, response) => {
    const isKnown = request.headers.authorization === token
    response.writeHead(isKnown ? 200 : 403, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        AccessKeyId: 'AKIDCONTAINER',
        SecretAccessKey: 's',
        Token: 't',
        Expiration: new Date(Date.now() + 3_600_000).toISOString(),
      }),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('AWS_CONTAINER_CREDENTIALS_FULL_URI with AWS_CONTAINER_AUTHORIZATION_TOKEN, past a proxy', async () => {
  const proxy = await startProxy('http://127.0.0.1:1')
  const put = await putWith({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: await credentialService('token'),
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'token',
    HTTP_PROXY: proxy.url,
  })
  expect(put?.accessKeyId).toBe('AKIDCONTAINER')
  expect(proxy.asked).toEqual([])
})

test('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, as EKS Pod Identity sets it', async () => {
  const put = await putWith({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: await credentialService('token of the pod'),
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: await file('token of the pod'),
  })
  expect(put?.accessKeyId).toBe('AKIDCONTAINER')
})

test('AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN and AWS_ROLE_SESSION_NAME, from STS at AWS_ENDPOINT_URL_STS', async () => {
  const asked: URLSearchParams[] = []
  const sts = createServer((request, response) => {
    void text(request).then((body) => {
      asked.push(new URLSearchParams(body))
      response.end(`<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKIDIRSA</AccessKeyId>
        <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
        <Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration>
        </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`)
    })
  }).listen(0, '127.0.0.1')
  await once(sts, 'listening')
  onTestFinished(() => {
    sts.close()
    sts.closeAllConnections()
  })
  const put = await putWith({
    AWS_WEB_IDENTITY_TOKEN_FILE: await file('the-token'),
    AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/logs',
    AWS_ROLE_SESSION_NAME: 'pod',
    AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${(sts.address() as AddressInfo).port}`,
  })
  expect(put?.accessKeyId).toBe('AKIDIRSA')
  expect(Object.fromEntries(asked[0] ?? [])).toMatchObject({
    Action: 'AssumeRoleWithWebIdentity',
    RoleArn: 'arn:aws:iam::123456789012:role/logs',
    RoleSessionName: 'pod',
    WebIdentityToken: 'the-token',
  })
})

test('AWS_CREDENTIAL_EXPIRATION: keys in the environment are read again when they expire', async () => {
  setVariables({ ...KEYS, AWS_CREDENTIAL_EXPIRATION: new Date(Date.now() - 1_000).toISOString() })
  const { local, send } = await library({ credentials: undefined })
  expect(await send({ body: 'a' })).toEqual({ code: 0 })
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDNEWER')
  expect(await send({ body: 'b' })).toEqual({ code: 0 })
  expect(local.calls.all.at(-1)?.accessKeyId).toBe('AKIDNEWER')
})
