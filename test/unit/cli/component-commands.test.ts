import { expect, test } from 'vitest'
import { type CommandHost, defineComponentCommand, type StorageDirectories } from '../../../src/component/command.ts'
import type { ComponentRegistry } from '../../../src/component/factory.ts'
import { GOOD, registry } from '../config/sample-registry.ts'
import { runCli } from './run-cli.ts'

/** The sample components; an exporter offers `letters count` and `ping`, and each extension stores in a directory. */
function withCommands(
  run: (values: { word?: string }, host: CommandHost) => Promise<0 | 1>,
  argument?: string,
): ComponentRegistry {
  const command = defineComponentCommand({
    description: 'Counts letters.',
    options: { word: { type: 'string', value: 'WORD', description: 'what to count' } },
    ...(argument === undefined ? {} : { argument }),
    run,
  })
  const entry = (name: string) => ({ name, summary: 'count letters', load: async () => ({ command }) })
  const [first, ...others] = registry.exporters
  if (first === undefined) throw new Error('no exporter')
  return {
    ...registry,
    exporters: [{ ...first, commands: [entry('letters count'), entry('ping')] }, ...others],
    extensions: registry.extensions.map((factory) => ({ ...factory, storageDirectory: () => `/var/${factory.type}` })),
  }
}

test.for([['letters', 'count'], ['ping']])('%s of a component runs with its options', async (name) => {
  const components = async () =>
    withCommands(async ({ word = '' }, { out, err }) => {
      out(`${word.length}\n`)
      err('counted\n')
      return 1
    })
  expect(await runCli([...name, '--word', 'four'], { components })).toEqual({ code: 1, out: '4\n', err: 'counted\n' })
  expect(await runCli([...name, '--wrod', 'four'], { components })).toMatchObject({
    code: 2,
    err: expect.stringContaining("Unknown option '--wrod'; did you mean --word?"),
  })
})

test('commands of components are in the help, before that of a running daemon, and have one of their own', async () => {
  const components = async () => withCommands(async () => 0)
  const { out } = await runCli(['--help'], { components })
  expect(out.match(/^ {2}[a-z-]+(?: [a-z]+)?(?= {2})/gm)).toEqual([
    '  run',
    '  validate',
    '  components',
    '  print-config',
    '  schema',
    '  letters count',
    '  ping',
    '  health',
  ])
  const help = await runCli(['letters', 'count', '--help'], { components })
  expect(help.out).toMatch(/^Usage: otlp-cloudwatch letters count \[OPTIONS\]\n\nCounts letters\./)
  expect(help.out).toMatch(/--config URI .*\n(?:.*\n)+ +--word WORD +what to count\n/)
  expect(await runCli(['help', 'letters', 'count'], { components })).toMatchObject({ out: help.out })
})

test('a name that is close to the command of a component is suggested', async () => {
  const components = async () => withCommands(async () => 0)
  expect((await runCli(['pinh'], { components })).err).toContain('there is no command pinh; did you mean ping?')
})

test('a command of a component gets the directories of the storages in the config', async () => {
  const asked: StorageDirectories[] = []
  const components = async () =>
    withCommands(async (_, host) => {
      asked.push(await host.storageDirectories())
      return 0
    })
  const config = ['--config', `yaml:${GOOD}`]
  const more = ['--config', 'yaml:{ extensions: { health_check: }, service: { extensions: [health_check] } }']
  await runCli(['ping', ...config, ...more], { components })
  await runCli(['ping', ...config], { components })
  await runCli(['ping', '--default-config', `yaml:${GOOD}`], { components })
  const { err } = await runCli(['ping', '--config', 'yaml:{ exporters: 1 }'], { components })
  expect(err).toContain('exporters')
  expect(asked).toEqual([
    { kind: 'found', directories: ['/var/health_check'] },
    { kind: 'found', directories: [] },
    { kind: 'no_config' },
    { kind: 'invalid' },
  ])
})

test('a probe loads no component', async () => {
  const components = () => expect.fail('no component is needed for that')
  expect((await runCli(['health', '--help'], { components })).code).toBe(0)
})

test('a command of a component takes the argument it names, and no more', async () => {
  const asked: unknown[] = []
  const components = async () =>
    withCommands(async (values) => {
      asked.push(values)
      return 0
    }, 'PLACE')
  await runCli(['ping', 'here'], { components })
  await runCli(['ping'], { components })
  const more = await runCli(['ping', 'here', 'there'], { components })
  expect(more).toMatchObject({
    code: 2,
    err: expect.stringContaining('one PLACE is enough: there is too much') as string,
  })
  expect(asked).toEqual([{ PLACE: 'here' }, {}])
  expect((await runCli(['ping', '--help'], { components })).out).toMatch(
    /^Usage: otlp-cloudwatch ping \[PLACE\] \[OPTIONS\]/,
  )
})
