// A Flask application whose Celery tasks keep sending while the daemon is down: a real broker, real workers, kill -9.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { pythonServices } from '../../integration/clients/python-services.ts'
import { endWithTest, freePort, startDaemon } from '../../integration/daemon/daemon.ts'
import { jsonConfig, onDisk, startCloudWatch } from '../../integration/http-json/setup.ts'
import { whyNoRedis } from './redis.ts'

const python = await pythonServices()
const missing = python.missing ?? (await whyNoRedis())
const TIMEOUT_MS = 240_000
const WITHIN = { timeout: 120_000, interval: 200 }
const LOGS_A_ROUND = 100
const KILLS = 3

describe.skipIf(missing !== undefined)(`Flask and Celery ${missing ?? ''}`, { timeout: TIMEOUT_MS }, () => {
  test('a client that retries while the daemon is killed and down loses nothing, and nothing acknowledged is written twice', async () => {
    const local = await startCloudWatch()
    const [redisPort, flaskPort, logsPort] = [await freePort(), await freePort(), await freePort()]
    const folder = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-celery-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const env = {
      ...process.env,
      PYTHONPATH: import.meta.dirname,
      PYTHONDONTWRITEBYTECODE: '1',
      REDIS_URL: `redis://127.0.0.1:${redisPort}/0`,
      LOGS_URL: `http://127.0.0.1:${logsPort}/logs`,
    }
    const start = (command: string, ...args: string[]) =>
      endWithTest(spawn(command, args, { cwd: folder, env, stdio: 'ignore' }))
    start('redis-server', '--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--dir', folder)
    start(python.tool('celery'), '-A', 'flask_celery_app.celery', 'worker', '--pool', 'threads', '--concurrency', '8')
    start(python.tool('flask'), '--app', 'flask_celery_app', 'run', '--port', String(flaskPort))
    const members = async (name: string): Promise<string[]> => {
      const script =
        'import json, redis, sys; print(json.dumps(list(redis.Redis.from_url(sys.argv[1], decode_responses=True).smembers(sys.argv[2]))))'
      return JSON.parse((await python.run(['-c', script, env.REDIS_URL, name])).stdout) as string[]
    }
    const order = async () => {
      const response = await fetch(`http://127.0.0.1:${flaskPort}/orders/${LOGS_A_ROUND}`, { method: 'POST' }).catch(
        () => undefined,
      ) // not up yet
      return response?.status === 202
    }

    const config = jsonConfig(local.url, await onDisk({ receiver: { endpoint: `127.0.0.1:${logsPort}` } }))
    for (let round = 1; round <= KILLS; round++) {
      const daemon = await startDaemon(config)
      await vi.waitUntil(order, WITHIN)
      const some = (round - 1) * LOGS_A_ROUND + LOGS_A_ROUND / 4
      await vi.waitUntil(async () => (await members('acknowledged')).length >= some, WITHIN)
      await daemon.kill()
      await wait(1_000) // for attempts that find it down
    }
    const daemon = await startDaemon(config)
    const total = KILLS * LOGS_A_ROUND
    await vi.waitUntil(async () => (await members('done')).length === total, WITHIN)
    expect(await daemon.stop()).toBe(0)

    const names = await members('done')
    const unsure = new Set(await members('unsure'))
    // A put whose response the kill took is repeated with the time of its events.
    const times = new Map<string, Set<number>>()
    for (const { message, timestamp } of local.events('/apps/orders', 'web'))
      times.set(message, (times.get(message) ?? new Set()).add(timestamp))
    expect(names.filter((name) => !times.has(name))).toEqual([])
    expect(names.filter((name) => !unsure.has(name) && times.get(name)?.size !== 1)).toEqual([])
    expect(times.size).toBe(total)
  })
})
