import { chmod, chown, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { components } from '../../../../../src/components.ts'
import { lock } from '../../../../../src/listen/directory/lock.ts'
import { laterVersion } from '../../../delivery/queue/disk/later-version.ts'
import { answering, stopped, storage } from './letters-on-disk.ts'
import { runCli as runCliWith } from '../../../cli/run-cli.ts'

const QUEUE = 'awscloudwatchlogs/0000'
const OTHER = 'awscloudwatchlogs/0001'
const DAY = Date.parse('2026-11-21T00:00:00Z')
const AT_ROOT = process.geteuid?.() === 0
const NOBODY = 65_534

/** A command line with the components as they are shipped. */
const runCli = (args: readonly string[], context: Parameters<typeof runCliWith>[1] = {}) =>
  runCliWith(args, { components: async () => components, ...context })
const list = (root: string, ...args: string[]) => runCli(['dead-letters', 'list', '--directory', root, ...args])
const show = (root: string, ...args: string[]) => runCli(['dead-letters', 'show', '--directory', root, ...args])
const replay = (root: string, ...args: string[]) => runCli(['dead-letters', 'replay', '--directory', root, ...args])

/** First column of a list. */
const ids = (out: string) => out.split('\n').flatMap((line) => line.split('  ')[0] || [])

/** Names and times of all files, for a later comparison. */
async function everything(root: string): Promise<string[]> {
  const names = (await readdir(root, { recursive: true })).sort()
  return Promise.all(
    names.map(async (name) => {
      const { mtimeMs, ctimeMs, size } = await stat(join(root, name))
      return [name, mtimeMs, ctimeMs, size].join(' ')
    }),
  )
}

/** Root may read everything, so it becomes another user for a while. */
async function asOrdinaryUser<T>(work: () => Promise<T>): Promise<T> {
  if (!AT_ROOT) return work()
  process.seteuid?.(NOBODY)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}

async function giveToUserNobody(root: string): Promise<void> {
  if (!AT_ROOT) return
  for (const name of ['.', ...(await readdir(root, { recursive: true }))]) await chown(join(root, name), NOBODY, NOBODY)
}

describe('list', () => {
  test('is oldest first over all queues, of running and stopped daemons', async () => {
    const root = await storage()
    await stopped(
      root,
      QUEUE,
      [1, 4, 7].map((died) => ({ id: `a${died}`, died })),
    )
    await stopped(root, OTHER, [])
    await answering(
      root,
      'awscloudwatchlogs_b/0000',
      [2, 3, 9].map((died) => ({ id: `b${died}`, died })),
    )
    await stopped(
      root,
      'awscloudwatchlogs_c/0000',
      [0, 8].map((died) => ({ id: `c${died}`, died })),
    )
    const { code, out, err } = await list(root)
    expect(ids(out)).toEqual(['c0', 'a1', 'b2', 'b3', 'a4', 'a7', 'c8', 'b9'])
    expect([code, err]).toEqual([0, '8 letters, 8 events\n'])
  })

  test.each(['stopped', 'answering'] as const)(
    'finds by reason, group, time and id in a queue that is %s',
    async (state) => {
      const root = await storage()
      await { stopped, answering }[state](root, QUEUE, [
        { id: 'a', died: DAY - 1, reason: 'too_old' },
        { id: 'b', died: DAY, group: '/eks/shop' },
        { id: 'c', died: DAY + 3_600_000 },
      ])
      const found = async (...args: string[]) => ids((await list(root, ...args)).out)
      expect(await found('--reason', 'too_old')).toEqual(['a'])
      expect(await found('--group', '/eks/shop')).toEqual(['b'])
      expect(await found('--group', '/eks')).toEqual([])
      expect(await found('--since', '2026-11-21')).toEqual(['b', 'c'])
      expect(await found('--since', '2026-11-21T00:30:00Z')).toEqual(['c'])
      expect(await found('--since', '2026-11-21T01:00:00+01:00')).toEqual(['b', 'c'])
      expect(await found('--since', String(DAY + 1))).toEqual(['c'])
      expect(await found('--id', 'c')).toEqual(['c'])
    },
  )

  test('is one line for each letter, whatever CloudWatch answered', async () => {
    const root = await storage()
    await stopped(root, QUEUE, [{ id: 'a', died: 0, error: 'no\n\u001b[2Jgood' }])
    expect((await list(root)).out).toBe('a  1970-01-01T00:00:00.000Z  poison  /app  s  1 events  no [2Jgood\n')
  })

  test('finds the directories in a config', async () => {
    const [first, second] = [await storage(), await storage()]
    await stopped(first, QUEUE, [{ id: 'a', died: 0 }])
    await stopped(second, QUEUE, [{ id: 'b', died: 1 }])
    const config = {
      receivers: { otlp: { protocols: { grpc: {} } } },
      exporters: { nop: {} },
      extensions: { file_storage: { directory: first }, 'file_storage/2': { directory: second } },
      service: {
        extensions: ['file_storage', 'file_storage/2'],
        pipelines: { logs: { receivers: ['otlp'], exporters: ['nop'] } },
      },
    }
    const args = ['dead-letters', 'list', '--config', `yaml:${JSON.stringify(config)}`]
    expect(ids((await runCli(args)).out)).toEqual(['a', 'b'])
    // What is on the command line goes before the config.
    expect(ids((await runCli([...args, '--directory', second])).out)).toEqual(['b'])
    expect(await runCli([...args, '--set', 'service.extensions=[]'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('The config has no active file_storage'),
    })
    expect(await runCli([...args, '--set', 'extensions.file_storage.directory=/none'])).toEqual({
      code: 2,
      out: '',
      err: 'directory of file_storage: /none is not a directory: write the directory of file_storage, where the daemon keeps its queues\n',
    })
    expect(await runCli(['dead-letters', 'list', '--config', '/none'])).toMatchObject({ code: 2, out: '' })
  })
})

describe('show', () => {
  test('prints letters with their events, from a stopped daemon and a running one', async () => {
    const root = await storage()
    await stopped(root, QUEUE, [{ id: 'a', died: 1, message: 'hello' }])
    await answering(root, OTHER, [{ id: 'b', died: 0, message: 'you' }])
    const { code, out } = await show(root)
    expect(code).toBe(0)
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      { id: 'a', group: '/app', messages: [{ timestamp: '1970-01-01T00:00:00.001Z', message: 'hello' }] },
      { id: 'b', group: '/app', messages: [{ timestamp: '1970-01-01T00:00:00.000Z', message: 'you' }] },
    ])
  })

  test('makes a daemon read a letter once the previous one is written, not all at once', async () => {
    const root = await storage()
    const message = 'x'.repeat(2 * 1_048_576)
    const running = await answering(
      root,
      QUEUE,
      Array.from({ length: 40 }, (_, n) => ({ id: `${n}`, died: n, message })),
    )
    let written = 0
    let mostAhead = 0
    // A pipe that is not read yet: it accepts the first letter, and then nothing.
    const reader = Promise.withResolvers<void>()
    const ends = runCli(['dead-letters', 'show', '--directory', root], {
      out: (text) => {
        written += text.split('\n').length - 1
        mostAhead = Math.max(mostAhead, running.shown - written)
      },
      outDrained: () => reader.promise,
    })
    await vi.waitFor(() => expect(written).toBe(1), { timeout: 30_000 })
    expect(running.shown).toBeLessThan(10)
    reader.resolve()
    expect(await ends).toMatchObject({ code: 0 })
    expect(written).toBe(40)
    expect(mostAhead).toBeLessThan(10)
  })

  test('names a letter that can no longer be read, and shows the others', async () => {
    const root = await storage()
    // The newest letter is in memory still.
    const running = await answering(
      root,
      QUEUE,
      ['a', 'b'].map((id) => ({ id, died: 0 })),
    )
    await writeFile(join(running.directory, 'dead-letters', '0000000001.segment'), 'x'.repeat(1_000))
    const { code, out, err } = await show(root)
    expect([code, err]).toEqual([1, 'the events of letter a cannot be read: their bytes on disk are damaged\n'])
    expect(out).toContain('"messages":[{"timestamp":"1970-01-01T00:00:00.000Z","message":"b"}]')
  })
})

describe.each([['list', list] as const, ['show', show] as const])('%s beside a stopped daemon', (_, command) => {
  test('changes and creates nothing', async () => {
    const root = await storage()
    await stopped(root, QUEUE, [{ id: 'a', died: 0 }])
    await mkdir(join(root, OTHER))
    const before = await everything(root)
    expect(await command(root)).toMatchObject({ code: 0, out: expect.stringContaining('a') })
    expect(await everything(root)).toEqual(before)
  })

  test('leaves out a queue whose holder does not answer', async () => {
    const root = await storage()
    const directory = await stopped(root, QUEUE, [{ id: 'a', died: 0 }])
    const held = await lock(directory)
    onTestFinished(() => held?.release())
    expect(await command(root)).toMatchObject({
      code: 0,
      out: '',
      err: expect.stringContaining(`${directory} is skipped`),
    })
  })

  test('reports events whose bytes are damaged', async () => {
    const root = await storage()
    const directory = await stopped(root, QUEUE, [{ id: 'a', died: 0 }])
    await writeFile(join(directory, 'dead-letters', '0000000001.segment'), 'x'.repeat(1_000))
    expect((await command(root)).err).toContain('1 events of dead letters are damaged or missing')
  })

  test('reads the queues of this release beside those of a later one, and reports the latter', async () => {
    const root = await storage()
    const directory = await stopped(root, QUEUE, [{ id: 'a', died: 0 }])
    await stopped(root, OTHER, [{ id: 'b', died: 0 }])
    const segment = join(directory, 'dead-letters', '0000000001.segment')
    await laterVersion(segment)
    const { code, out, err } = await command(root)
    expect(code).toBe(1)
    expect(out).toContain('b')
    expect(err.split('\n')[0]).toBe(
      `${segment} has format version 2, which this release cannot read: run the release that wrote it, or move the directory away`,
    )
  })
})

describe('replay', () => {
  test('sends to any group that has a legal name', async () => {
    const root = await storage()
    const { offered } = await answering(root, QUEUE, [{ id: 'a', died: 0 }])
    expect(await replay(root, '--to', '/late')).toEqual({
      code: 0,
      out: '1 letters with 1 events were queued again\n',
      err: '',
    })
    expect(offered).toEqual(['/late:s'])
  })

  test('beside a stopped daemon removes the letters', async () => {
    const root = await storage()
    const directory = await stopped(root, QUEUE, [{ id: 'a', died: 0 }])
    expect(await replay(root)).toMatchObject({ code: 0, out: '1 letters with 1 events were queued again\n' })
    expect((await list(root)).out).toBe('')
    expect((await readdir(directory)).some((name) => name.endsWith('.segment'))).toBe(true)
  })

  test('reports how many letters stay because they are damaged', async () => {
    const root = await storage()
    const { directory } = await answering(
      root,
      QUEUE,
      ['a', 'b'].map((id) => ({ id, died: 0 })),
    )
    await writeFile(join(directory, 'dead-letters', '0000000001.segment'), 'x'.repeat(1_000))
    expect(await replay(root)).toMatchObject({
      code: 1,
      out: '1 letters with 1 events were queued again; 1 were kept: they are damaged, or another replay is processing them\n',
    })
  })

  test.skipIf(!AT_ROOT)('by root is refused where it would write what the daemon cannot read', async () => {
    const root = await storage()
    const directory = await stopped(root, QUEUE, [{ id: 'a', died: 0 }])
    await giveToUserNobody(root)
    const before = await everything(root)
    expect(await replay(root)).toEqual({
      code: 1,
      out: '',
      err: `${directory} belongs to user ${NOBODY}, who could not read files that root writes there: run the command as that user, or start the daemon\n`,
    })
    expect(await everything(root)).toEqual(before)
  })
})

describe.each(['list', 'show', 'replay'])('%s', (name) => {
  const TIME = 'write 2026-11-21T10:00:00Z, 2026-11-21 for the start of that day in UTC, or ms since the epoch'
  const GROUP = 'write 1 to 512 letters, digits and . - _ / #, not beginning with aws/, such as /eks/shop'
  test.each([
    ['--since', 'yesterday', `--since: "yesterday" is not a time: ${TIME}`],
    ['--since', '', `--since: "" is not a time: ${TIME}`],
    ['--since', 'yesterday 5', `--since: "yesterday 5" is not a time: ${TIME}`],
    ['--since', '2026', `--since: "2026" is not a time: ${TIME}`],
    ['--since', '2026-11-21T10:00:00', `--since: "2026-11-21T10:00:00" is not a time: ${TIME}`],
    ['--since', '2026-13-21', `--since: "2026-13-21" is not a time: ${TIME}`],
    ['--group', 'my group', `--group: "my group" is not a log group name: ${GROUP}`],
    [
      '--reason',
      'old',
      '--reason: "old" is not a reason of dead letters: write one of too_old, too_new, expired_retention, empty, too_large, lane_full, poison, not_permitted, expired',
    ],
  ])('%s %j is bad usage, with and without a daemon', async (option, value, message) => {
    const root = await storage()
    await stopped(root, QUEUE, [{ id: 'a', died: 0 }])
    await answering(root, OTHER, [{ id: 'b', died: 0 }])
    const outcome = await runCli(['dead-letters', name, '--directory', root, option, value])
    expect(outcome).toEqual({ code: 2, out: '', err: `${message}\n` })
  })

  test('reports all problems at once', async () => {
    const { code, err } = await runCli(['dead-letters', name, '--since', 'x', '--group', '*'])
    expect([code, err.split('\n').length - 1]).toEqual([2, 2])
  })

  test.each([
    ['', ' is not a directory'],
    ['/none', '/none is not a directory'],
  ])('--directory %j is bad usage', async (path, message) => {
    expect(await runCli(['dead-letters', name, '--directory', path])).toEqual({
      code: 2,
      out: '',
      err: `--directory: ${path}${message.slice(path.length)}: write the directory of file_storage, where the daemon keeps its queues\n`,
    })
  })

  test('a directory without queues is bad usage', async () => {
    const root = await storage()
    await writeFile(join(root, 'file'), '')
    await mkdir(join(root, 'other', 'folder'), { recursive: true })
    expect(await runCli(['dead-letters', name, '--directory', root])).toEqual({
      code: 2,
      out: '',
      err: `--directory: ${root} contains no queue: write the directory of file_storage, where the daemon keeps its queues\n`,
    })
    const file = join(root, 'file')
    expect(await runCli(['dead-letters', name, '--directory', file])).toMatchObject({
      code: 2,
      err: expect.stringContaining(`${file} is not a directory`),
    })
  })

  test('a directory of another user is reported in one line', async () => {
    const root = await storage()
    await stopped(root, QUEUE, [{ id: 'a', died: 0 }])
    await runCli(['dead-letters', 'list', '--directory', root])
    await chmod(root, 0o000)
    expect(await asOrdinaryUser(() => runCli(['dead-letters', name, '--directory', root]))).toEqual({
      code: 1,
      out: '',
      err: `EACCES: permission denied, scandir '${root}': run the command as the user of the daemon\n`,
    })
  })

  test('a queue of another user is reported in one line, and the others answer', async () => {
    const root = await storage()
    const directory = await stopped(root, QUEUE, [{ id: 'a', died: 0 }])
    await stopped(root, OTHER, [{ id: 'b', died: 0 }])
    await runCli(['dead-letters', 'list', '--directory', root])
    await giveToUserNobody(root)
    await chmod(directory, 0o000)
    const { code, out, err } = await asOrdinaryUser(() => runCli(['dead-letters', name, '--directory', root]))
    expect(code).toBe(1)
    expect(out).not.toBe('')
    expect(err.split('\n')[0]).toBe(
      `EACCES: permission denied, open '${directory}': run the command as the user of the daemon`,
    )
  })

  test('lost+found is no queue', async () => {
    const root = await storage()
    await stopped(root, QUEUE, [{ id: 'a', died: 0 }])
    await runCli(['dead-letters', 'list', '--directory', root])
    await giveToUserNobody(root)
    await mkdir(join(root, 'lost+found'), { mode: 0o000 })
    expect(await asOrdinaryUser(() => runCli(['dead-letters', name, '--directory', root]))).toMatchObject({ code: 0 })
  })

  test('a folder that cannot be read is reported, and the others answer', async () => {
    const root = await storage()
    await stopped(root, QUEUE, [{ id: 'a', died: 0 }])
    const loop = join(root, 'loop')
    await symlink(loop, loop)
    const { code, out, err } = await runCli(['dead-letters', name, '--directory', root])
    expect([code, err.split('\n')[0]]).toEqual([
      1,
      expect.stringContaining(`ELOOP: too many symbolic links encountered, scandir '${loop}'`),
    ])
    expect(out).not.toBe('')
  })
})

test.each([
  ['my group', '"my group"'],
  ['', '""'],
  ['/app:stream', '"/app:stream"'],
  ['aws/app', '"aws/app"'],
  ['x'.repeat(513), `"${'x'.repeat(513)}"`],
])('replay --to %j is bad usage, and the letters stay', async (to, quoted) => {
  const root = await storage()
  await stopped(root, QUEUE, [{ id: 'a', died: 0 }])
  const { offered } = await answering(root, OTHER, [{ id: 'b', died: 1 }])
  expect(await replay(root, '--to', to)).toEqual({
    code: 2,
    out: '',
    err: `--to: ${quoted} is not a log group name: write 1 to 512 letters, digits and . - _ / #, not beginning with aws/, such as /eks/shop\n`,
  })
  expect(offered).toEqual([])
  expect(ids((await list(root)).out)).toEqual(['a', 'b'])
})
