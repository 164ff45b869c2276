import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { callCloudWatch, refusalOf } from '../../../../fakes/call-cloudwatch.ts'
import {
  startCloudWatchLocal,
  type CloudWatchLocal,
  type CloudWatchLocalOptions,
} from '../../../../fakes/cloudwatch.ts'

let directory: string
let local: CloudWatchLocal
let damage: string[]
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cloudwatch-local-'))
  damage = []
})
afterEach(async () => {
  await local.close()
  await rm(directory, { recursive: true })
})

async function start(options: CloudWatchLocalOptions = {}): Promise<void> {
  local = await startCloudWatchLocal({ quotas: false, directory, onDamage: (what) => damage.push(what), ...options })
}
async function restart(options: CloudWatchLocalOptions = {}): Promise<void> {
  await local.close()
  await start(options)
}
const call = (operation: string, request: object) => callCloudWatch(local.url, operation, request)
const put = (message: string, logStreamName = 's') =>
  call('PutLogEvents', { logGroupName: 'g', logStreamName, logEvents: [{ timestamp: Date.now(), message }] })
const messages = () => local.events().map(({ message }) => message)

async function createGroupAndStream(logGroupName = 'g', logStreamName = 's'): Promise<void> {
  await call('CreateLogGroup', { logGroupName })
  await call('CreateLogStream', { logGroupName, logStreamName })
}

async function files(): Promise<string[]> {
  const found = await readdir(directory, { recursive: true })
  return found.filter((name) => name.includes('.')).map((name) => join(directory, name))
}
const streamFile = async () => (await files()).find((name) => name.endsWith('.jsonl')) ?? ''

test('groups, streams, tags, retention and events survive a restart, and go on from there', async () => {
  await start()
  const [logGroupName, logStreamName] = ['/ä'.replace('ä', 'a/../..'), '../../[$LATEST] ä'.padEnd(512, '/')]
  await call('CreateLogGroup', { logGroupName, tags: { a: 'b' }, logGroupClass: 'ESSENTIALS', kmsKeyId: 'k' })
  await call('CreateLogStream', { logGroupName, logStreamName })
  await call('CreateLogStream', { logGroupName, logStreamName: 'empty' })
  await call('PutRetentionPolicy', { logGroupName, retentionInDays: 7 })
  const logEvents = ['1', '\n"2"\u2028😀'].map((message, index) => ({ timestamp: Date.now() + index, message }))
  await call('PutLogEvents', { logGroupName, logStreamName, logEvents })
  const before = {
    groups: (await call('DescribeLogGroups', {})).body,
    streams: (await call('DescribeLogStreams', { logGroupName })).body,
    events: local.events(),
  }
  expect(before.events).toHaveLength(2)

  await restart()
  expect((await call('DescribeLogGroups', {})).body).toEqual(before.groups)
  expect((await call('DescribeLogStreams', { logGroupName })).body).toEqual(before.streams)
  expect(local.events()).toEqual(before.events)
  expect(Object.fromEntries(local.store.groups.get(logGroupName)?.tags ?? [])).toEqual({ a: 'b' })

  await call('PutLogEvents', { logGroupName, logStreamName, logEvents: [{ timestamp: Date.now(), message: '3' }] })
  await call('DeleteRetentionPolicy', { logGroupName })
  await restart()
  expect(new Set(local.events().map(({ eventId }) => eventId)).size).toBe(3)
  expect(local.store.groups.get(logGroupName)?.retentionInDays).toBeUndefined()
  expect(damage).toEqual([])
})

test('an answered put is in the files already', async () => {
  await start()
  await createGroupAndStream()
  await put('here')
  const lines = (await readFile(await streamFile(), 'utf8')).trimEnd().split('\n')
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ logStreamName: 's' })
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({ events: [{ message: 'here' }] })
})

test('deleted groups and streams stay deleted', async () => {
  await start()
  await createGroupAndStream('g')
  await createGroupAndStream('h')
  await call('CreateLogStream', { logGroupName: 'g', logStreamName: 't' })
  await put('1')
  await call('DeleteLogStream', { logGroupName: 'g', logStreamName: 't' })
  await call('DeleteLogGroup', { logGroupName: 'h' })
  await restart()
  expect([...local.store.groups.keys()]).toEqual(['g'])
  expect([...(local.store.groups.get('g')?.streams.keys() ?? [])]).toEqual(['s'])
})

test('half a line at the end of a file costs that put and no other', async () => {
  await start()
  await createGroupAndStream()
  for (const message of ['1', '2', '3']) await put(message)
  await local.close()
  await truncate(await streamFile(), (await stat(await streamFile())).size - 10)

  await start()
  expect(messages()).toEqual(['1', '2'])
  expect(damage).toEqual([`${await streamFile()}:4 is not a put; it is skipped`])
  await put('4')
  await restart()
  expect(messages()).toEqual(['1', '2', '4'])
})

test('an unknown file is left alone and named', async () => {
  await start()
  await createGroupAndStream()
  await put('1')
  await local.close()
  const stream = await streamFile()
  const other = stream.replace('.jsonl', '-copy.jsonl')
  await writeFile(other, 'not a stream\n')
  await writeFile(join(directory, 'notes.txt'), 'mine')

  await start()
  expect(messages()).toEqual(['1'])
  expect(damage).toEqual([`${other} does not start with a log stream; it is skipped`])
  expect(await readFile(other, 'utf8')).toBe('not a stream\n')
})

test('a directory without a readable group is left alone and named', async () => {
  await start()
  await createGroupAndStream()
  await put('1')
  await local.close()
  const group = (await files()).find((name) => name.endsWith('group.json')) ?? ''
  await appendFile(group, '}')
  await start()
  expect(messages()).toEqual([])
  expect(damage).toEqual([`${group} does not describe a log group; its directory is skipped`])
})

test('the files shrink as the bound pushes events out, and a smaller bound holds after a restart', async () => {
  await start({ maxBytes: 1_000_000 })
  await createGroupAndStream()
  await call('CreateLogStream', { logGroupName: 'g', logStreamName: 'early' })
  await put('gone soon'.padEnd(1_000), 'early')
  for (let number = 0; number < 100; number += 1) await put(`${number}`.padEnd(50_000, '.'))
  await local.close()
  const sizes = await Promise.all(
    (await files()).filter((name) => name.endsWith('l')).map(async (name) => (await stat(name)).size),
  )
  expect(Math.min(...sizes)).toBeLessThan(200)
  expect(Math.max(...sizes)).toBeLessThan(2_200_000)

  await start({ maxBytes: 1_000_000 })
  expect(messages().map(Number.parseFloat)).toEqual(Array.from({ length: 19 }, (_, index) => 81 + index))
  await restart({ maxBytes: 200_000 })
  expect(messages().map(Number.parseFloat)).toEqual([97, 98, 99])
})

test('a directory that cannot be written is a 500, and logged', async () => {
  const defects: unknown[] = []
  await start({ onDefect: (error) => defects.push(error) })
  await createGroupAndStream()
  const path = await streamFile()
  await rm(join(path, '..'), { recursive: true })
  expect(refusalOf(await put('1'))).toContain('InternalFailure')
  expect(String(defects)).toContain('ENOENT')
})

test('after a restart the oldest events of all streams are still evicted first', async () => {
  await start()
  await createGroupAndStream()
  for (const name of ['t', 'u']) await call('CreateLogStream', { logGroupName: 'g', logStreamName: name })
  for (let number = 0; number < 12; number += 1) await put(String(number).padEnd(974, '.'), 'stu'.at(number % 3))
  await restart({ maxBytes: 5_000 })
  expect(messages().map(Number.parseFloat)).toEqual([7, 8, 9, 10, 11])
})
