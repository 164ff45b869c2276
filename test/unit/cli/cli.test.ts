import { describe, expect, test } from 'vitest'
import { GOOD } from '../config/sample-registry.ts'
import { runCli } from './run-cli.ts'

const COMMANDS = ['run', 'validate', 'components', 'print-config', 'schema', 'health']

test.for(['--version', '-v'])('%s tells name and version', async (flag) => {
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
  test('has a help of its own', async () => {
    const { code, out } = await runCli([command, '--help'])
    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(`^Usage: otlp-cloudwatch ${command} \\[OPTIONS\\]\n\n[A-Z].*\\.`))
    expect(await runCli(['help', command])).toMatchObject({ out })
  })
  test('refuses what it does not know', async () => {
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
