import { describe, expect, test } from 'vitest'
import { GOOD } from '../../config/sample-registry.ts'
import { CONFIG, FakeDaemon, runCli } from '../run-cli.ts'

const STOP = { stopRequested: Promise.resolve() }

describe('run', () => {
  test('is the default command, runs until a signal stops it, drains, and exits with 0', async () => {
    const daemon = new FakeDaemon()
    const stop = Promise.withResolvers<void>()
    const running = runCli(CONFIG, { daemon, stopRequested: stop.promise })
    await expect.poll(() => daemon.calls).toEqual(['start'])
    stop.resolve()
    expect(await running).toEqual({ code: 0, out: '', err: '' })
    expect(daemon.calls).toEqual(['start', 'shutdown'])
    expect([...(daemon.config?.exporters.keys() ?? [])]).toEqual(['awscloudwatchlogs'])
  })

  test('drains and exits with 1 when a running component fails', async () => {
    const daemon = new FakeDaemon()
    daemon.fail()
    expect(await runCli(['run', ...CONFIG], { daemon })).toMatchObject({ code: 1 })
    expect(daemon.calls).toEqual(['start', 'shutdown'])
  })

  test('exits with 1 when the daemon cannot start', async () => {
    const daemon = new FakeDaemon()
    daemon.startsWith = () => Promise.reject(new Error('the port is taken'))
    const { code, err } = await runCli(CONFIG, { daemon })
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(/ error could not start error="the port is taken"\n$/),
    })
    expect(daemon.calls).toEqual(['start'])
  })

  test('aborts a start when a signal stops it, and exits with 0', async () => {
    const daemon = new FakeDaemon()
    // As the daemon does: a start that is broken off rejects.
    const starting = Promise.withResolvers<void>()
    daemon.startsWith = () => starting.promise
    daemon.shutdown = async () => starting.reject(new Error('stopped while starting'))
    expect(await runCli(CONFIG, { daemon, ...STOP })).toMatchObject({ code: 0 })
  })

  test('exits with 2 and names both ways to configure it where there is no config', async () => {
    const daemon = new FakeDaemon()
    const { code, err } = await runCli([], { daemon })
    expect(code).toBe(2)
    expect(err).toMatch(/--config FILE.*OTLP_CLOUDWATCH__LOG_GROUP_NAME/)
    expect(daemon.calls).toEqual([])
  })

  test('exits with 2 and prints every problem of a bad config, a line each', async () => {
    const args = [...CONFIG, '--set', 'receivers.otlp.protocls=', '--set', 'exporters.debgu=']
    expect(await runCli(args)).toEqual({
      code: 2,
      out: '',
      err:
        '--set receivers.otlp.protocls: receivers.otlp.protocls: unknown key; did you mean "protocols"?\n' +
        '--set exporters.debgu: exporters.debgu: there is no exporter debgu here; did you mean "debug"?\n',
    })
  })

  test('takes its config from the variables', async () => {
    const daemon = new FakeDaemon()
    const env = { OTLP_CLOUDWATCH__LOG_GROUP_NAME: '/from/env' }
    expect(await runCli([], { daemon, env, ...STOP })).toMatchObject({ code: 0 })
    expect(daemon.config?.exporters.get('awscloudwatchlogs')?.config).toMatchObject({ log_group_name: '/from/env' })
  })

  test('uses --default-config only where nothing else was given', async () => {
    const daemon = new FakeDaemon()
    const env = { OTLP_CLOUDWATCH__LOG_GROUP_NAME: '/from/env' }
    const args = ['--default-config', `yaml:${GOOD}`]
    const group = () => daemon.config?.exporters.get('awscloudwatchlogs')?.config
    await runCli(args, { daemon, ...STOP })
    expect(group()).toMatchObject({ log_group_name: '/app' })
    await runCli(args, { daemon, env, ...STOP })
    expect(group()).toMatchObject({ log_group_name: '/from/env' })
    await runCli([...args, '--config', `yaml:${GOOD.replace('/app', '/given')}`], { daemon, ...STOP })
    expect(group()).toMatchObject({ log_group_name: '/given' })
  })
})
