// What can happen to a daemon in a soak: one of these at a time, for a second or so.
import { connect } from 'node:net'
import { onTestFinished } from 'vitest'
import type { CloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { recordsRequest } from '../../fakes/logs-request.ts'
import type { SickDisk } from '../../fakes/disk/sick-disk.ts'
import { SERVICES } from '../../integration/daemon/daemon-load.ts'
import type { Daemon } from '../../integration/daemon/daemon.ts'

/** Begins it. */
export type Fault = () => Begun | Promise<Begun>

export interface Begun {
  off(): void | Promise<void>
}

/** Ways in which CloudWatch, or the network before it, fails. */
export function faultsOfCloudWatch({ faults }: CloudWatchLocal, random: () => number): Fault[] {
  const group = () => `/test/service-${Math.floor(random() * SERVICES)}`
  return [
    () => faults.throttle(),
    () => faults.fail(500),
    () => faults.fail(503),
    () => faults.cut('before'),
    () => faults.cut('after', { operation: 'PutLogEvents' }),
    () => faults.cut('after', { operation: 'PutLogEvents', group: group() }),
    () => faults.deny({ group: group() }),
    () => faults.expireCredentials({ times: 3 }),
    () => faults.garbage('html'),
    () => faults.slow(300),
    () => faults.alreadyAccepted({ times: 2 }),
  ]
}

/** What clients do wrong, beside those that do nothing wrong. */
export function faultsOfClients({ httpPort, grpcPort }: Daemon): Fault[] {
  const request = recordsRequest({ body: 'never whole' })
  const head = (length: number, type = 'application/x-protobuf') =>
    `POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n\r\n`
  const whole = (body: Uint8Array, type?: string) => Buffer.concat([Buffer.from(head(body.length, type)), body])
  const garbage = Buffer.alloc(10_000, 0xff)
  return [
    () => crowd(httpPort, whole(request).subarray(0, -1)),
    () => crowd(httpPort, whole(garbage)),
    () => crowd(httpPort, whole(garbage, 'application/json')),
    () => crowd(httpPort, Buffer.from(head(2 ** 30))),
    () => crowd(httpPort, garbage),
    () => crowd(grpcPort, garbage),
    () => crowd(grpcPort, Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')),
  ]
}

/** Ways in which a disk fails and gets well again. */
export function faultsOfDisk(disk: SickDisk): Fault[] {
  const sick = (health: 'ENOSPC' | 'stalled') => async () => {
    await disk.is(health)
    return { off: () => disk.is('well') }
  }
  return [sick('ENOSPC'), sick('stalled')]
}

/** Connections that all say this, and are reset when the fault is over. */
function crowd(port: number, bytes: Uint8Array): Begun {
  const sockets = Array.from({ length: 20 }, () => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.resume()
    // The daemon may hang up first: that is its right.
    socket.on('error', () => {})
    onTestFinished(() => void socket.destroy())
    return socket
  })
  return {
    off() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
  }
}
