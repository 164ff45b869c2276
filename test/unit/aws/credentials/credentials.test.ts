import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Credentials } from '../../../../src/aws/credentials/credentials.ts'
import { AwsEnvironment } from '../../../../src/aws/environment/environment.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const KEY = { accessKeyId: 'AKID', secretAccessKey: 's' }
const SETTINGS = { profile: undefined, roleArn: undefined, externalId: undefined, credentials: undefined }

function credentials(own: () => Promise<typeof KEY>) {
  return new Credentials(SETTINGS, { env: new AwsEnvironment({}), region: 'us-east-1', requestHandler: {}, own })
}

/** Like the SDK's client: caches, unless the caller forces a refresh. */
function client(made: Credentials) {
  let kept: Promise<unknown> | undefined
  return vi.fn((options: { readonly forceRefresh?: boolean }) => {
    if (kept === undefined || options.forceRefresh === true) kept = made.provider(options)
    return kept
  })
}

test('are resolved again once after a refusal, however many puts were refused together', async () => {
  const own = vi.fn(async () => KEY)
  const made = credentials(own)
  const get = client(made)
  await made.renewIfRefused(get)
  const { generation } = made
  for (let put = 0; put < 10; put++) made.refused(generation)
  await Promise.all(Array.from({ length: 10 }, () => made.renewIfRefused(get)))
  expect(own).toHaveBeenCalledTimes(2)
  // The answers of puts that were under way with the old ones come late.
  made.refused(generation)
  vi.advanceTimersByTime(10_000)
  await made.renewIfRefused(get)
  expect(own).toHaveBeenCalledTimes(2)
})

test('are resolved at most once a second, however often they are refused', async () => {
  const own = vi.fn(async () => KEY)
  const made = credentials(own)
  const get = client(made)
  await made.renewIfRefused(get)
  for (let put = 0; put < 100; put++) {
    made.refused(made.generation)
    await made.renewIfRefused(get)
    vi.advanceTimersByTime(100)
  }
  expect(own.mock.calls.length).toBeGreaterThan(5)
  expect(own.mock.calls.length).toBeLessThanOrEqual(12)
})

test('are resolved again if there were none', async () => {
  const own = vi.fn(async () => KEY)
  const made = credentials(own)
  const get = client(made)
  await made.renewIfRefused(get)
  made.refused(made.generation)
  own.mockRejectedValueOnce(new Error('the file is being replaced'))
  await expect(made.renewIfRefused(get)).rejects.toThrow('being replaced')
  vi.advanceTimersByTime(1_000)
  await expect(made.renewIfRefused(get)).resolves.toEqual(KEY)
})

test('of any source lose surrounding white space; a line break inside is an error that names the part, not its value', async () => {
  const spaced = credentials(async () => ({ accessKeyId: ' AKID\n', secretAccessKey: 's\r\n', sessionToken: 't\n' }))
  await expect(spaced.provider()).resolves.toEqual({ accessKeyId: 'AKID', secretAccessKey: 's', sessionToken: 't' })
  const broken = credentials(async () => ({ accessKeyId: 'AKID', secretAccessKey: 'c4n4\nry' }))
  await expect(broken.provider()).rejects.toThrow('the secretAccessKey has a line break')
  await expect(broken.provider()).rejects.not.toThrow('c4n4')
})
