import { describe, expect, test } from 'vitest'
import { GOOD } from '../config/sample-registry.ts'
import { runCli } from './run-cli.ts'

const COMMANDS = ['run', 'validate', 'components', 'print-config', 'schema', 'health']

test.for(['--version', '-v'])('%s prints name and version', async (flag) => {
  const components = () => expect.fail('nothing has to be loaded for that')
  expect(await runCli([flag], { components })).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^otlp-cloudwatch \d+\.\d+\.\d+\n$/),
  })
})

test.for([['--help'], ['-h'], ['help']])('%s lists every command', async (args) => {
  const { code, out } = await runCli(args)
  expect(code).toBe(0)
  for (const command of COMMANDS) expect(out).toMatch(new RegExp(`^  ${command} +\\S`, 'm'))
})

describe.for(COMMANDS)('%s', (command) => {
  test('has its own help', async () => {
    const { code, out } = await runCli([command, '--help'])
    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(`^Usage: otlp-cloudwatch ${command} \\[OPTIONS\\]\n\n[A-Z].*\\.`))
    expect(await runCli(['help', command])).toMatchObject({ out })
  })
  test('refuses unknown options and arguments', async () => {
    expect(await runCli([command, '--wrong'])).toEqual({
      code: 2,
      out: '',
      err: `otlp-cloudwatch: Unknown option '--wrong'\nSee otlp-cloudwatch ${command} --help.\n`,
    })
    expect(await runCli([command, 'more'])).toMatchObject({
      code: 2,
      err: expect.stringContaining("Unexpected argument 'more'"),
    })
  })
})

test.for(['validate', 'components', 'print-config', 'schema'])('npm start -- %s is that command', async (command) => {
  const { code, err } = await runCli(['--default-config', `yaml:${GOOD}`, command])
  expect({ code, err }).toEqual({ code: 0, err: '' })
})

test('a hidden option is not in the help', async () => {
  expect((await runCli(['run', '--help'])).out).not.toContain('default-config')
})

test.for([
  [['validte'], 'there is no command validte; did you mean validate?'],
  [['zzz'], 'there is no command zzz'],
  [['--confg', 'x'], "Unknown option '--confg'; did you mean --config?"],
  [['validate', '--hepl'], "Unknown option '--hepl'; did you mean --help?"],
  [['--config'], "Option '--config <value>' argument missing"],
] as const)('%j is bad usage', async ([args, message]) => {
  const { code, err } = await runCli(args)
  expect({ code, message: err.split('\n')[0] }).toEqual({ code: 2, message: `otlp-cloudwatch: ${message}` })
})

describe('flags and commands of the Go collector', () => {
  test.for([
    [['--dry-run'], 'there is no option --dry-run: run the command validate'],
    [['--log-level=debug'], 'there is no option --log-level: write service.telemetry.logs.level in the config'],
    [['--metrics-addr', ':8888'], 'there is no option --metrics-addr: write service.telemetry.metrics.readers in'],
    [['print-config', '--validate=false'], 'there is no option --validate: remove it: print-config always checks'],
    [['print-initial-config'], 'there is no command print-initial-config: use print-config, which prints the config'],
    [['featuregate'], 'there is no command featuregate: there are no feature gates here'],
  ] as const)('%j says what to write', async ([args, message]) => {
    const { code, err } = await runCli(args)
    expect(code).toBe(2)
    expect(err).toContain(`otlp-cloudwatch: ${message}`)
  })

  test.for([
    [['--feature-gates=-a.b,+c.d'], '-a.b, +c.d'],
    [['--feature-gates', '-a.b,+c.d'], '-a.b, +c.d'],
    [['--feature-gates', 'a.b', '--feature-gates', '-c.d'], 'a.b, -c.d'],
  ] as const)('%j is accepted, and said to be ignored', async ([args, gates]) => {
    const { code, err } = await runCli(['validate', ...args, '--config', `yaml:${GOOD}`])
    expect(err).toBe(`--feature-gates: ignored: ${gates}: these are gates of the Go collector; this daemon has none\n`)
    expect(code).toBe(0)
  })

  test.for(['https://user:c4n4ry@host/config.yaml?token=c4n4ry', 'http://host/config.yaml'])(
    '--config %s is refused because nothing is fetched, without printing its password',
    async (uri) => {
      const { code, err } = await runCli(['validate', '--config', uri])
      expect(err).toMatch(/a config cannot be fetched over https?: download it and write the file's path/)
      expect(err).not.toContain('c4n4ry')
      expect(code).toBe(2)
    },
  )
})
