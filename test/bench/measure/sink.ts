// A CloudWatch Logs that takes everything as fast as it can, over TLS, and knows which records came how often.
//   fork('sink.ts', [ms until a put is answered])     tells { port }, then answers a SinkQuestion each

import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { ID_DIGITS, ID_MARK, type IdRange, SeenIds } from '../load/ids.ts'

export type SinkQuestion =
  | { readonly ask: 'counts' }
  | {
      readonly ask: 'audit'
      readonly issued: number
      readonly refused: readonly IdRange[]
      readonly unknown: readonly IdRange[]
    }

export interface SinkCounts {
  /** Records that came, each once. */
  readonly stored: number
  readonly puts: number
  readonly bytes: number
  /** ms from the time of a put's first event until it came, the most since counts were last asked for. */
  readonly oldestMs: number
}

const TLS = join(import.meta.dirname, '..', '..', 'testdata', 'tls')
const MARK = Buffer.from(ID_MARK)
const TIMESTAMP = Buffer.from('"timestamp":')
const PUT_ANSWER = '{"nextSequenceToken":"1"}'
const ZERO = 48

const latencyMs = Number(process.argv[2])
const seen = new SeenIds()
let puts = 0
let bytes = 0
let oldestMs = 0

const server = createServer(
  { key: readFileSync(join(TLS, 'server.key')), cert: readFileSync(join(TLS, 'server.pem')) },
  (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (!String(request.headers['x-amz-target']).endsWith('.PutLogEvents')) return send(response, '{}')
      take(Buffer.concat(chunks))
      if (latencyMs === 0) send(response, PUT_ANSWER)
      else setTimeout(() => send(response, PUT_ANSWER), latencyMs)
    })
  },
)

server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('message', (question: SinkQuestion) => process.send?.(answer(question)))
process.on('disconnect', () => process.exit())

function send(response: ServerResponse, answer: string): void {
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': String(puts) })
  response.end(answer)
}

function take(body: Buffer): void {
  puts++
  bytes += body.length
  for (let at = body.indexOf(MARK); at >= 0; at = body.indexOf(MARK, at + MARK.length + ID_DIGITS))
    seen.mark(digits(body, at + MARK.length, ID_DIGITS))
  // Events are in the order of their times.
  const time = digits(body, body.indexOf(TIMESTAMP) + TIMESTAMP.length, 13)
  oldestMs = Math.max(oldestMs, Date.now() - time)
}

function digits(body: Buffer, from: number, count: number): number {
  let value = 0
  for (let at = from; at < from + count; at++) value = value * 10 + (body[at] ?? ZERO) - ZERO
  return value
}

function answer(question: SinkQuestion): object {
  if (question.ask === 'audit') return seen.audit(question.issued, question.refused, question.unknown)
  const counts: SinkCounts = { stored: seen.distinct, puts, bytes, oldestMs }
  oldestMs = 0
  return counts
}
