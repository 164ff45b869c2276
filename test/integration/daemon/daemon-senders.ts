// Senders that see all of the daemon's answers; the SDKs' handling of them is in their own tests.
import { Agent, request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { JsonLogsSerializer, ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer'
import { onTestFinished } from 'vitest'
import { MEDIA_TYPES } from '../../../src/otlp/format.ts'
import { LEN, ProtobufReader, VARINT } from '../../../src/wire/protobuf-reader.ts'
import { type RecordFields, recordsRequest } from '../../fakes/logs-request.ts'
import type { Daemon } from './daemon.ts'

/** Success, full or in part. */
export interface Taken {
  readonly kind: 'taken'
  readonly rejected: number
  readonly message: string
}

/** What OTLP lets a server say. */
export type Answer =
  | Taken
  | { readonly kind: 'wait'; readonly afterMs: number }
  | { readonly kind: 'refused'; readonly message: string }

/** @throws the system's error if the connection breaks before an answer */
export type Send = (request: Uint8Array) => Promise<Answer>

/** Retry-After is in whole seconds; a load that waits so long would be none. */
const LONGEST_WAIT_MS = 100

/** Longest wait for one request to be accepted. */
const PATIENCE_MS = 120_000

/**
 * Sends until it is accepted, waiting as the answer says (but no longer than a test wants to).
 * @param onWait called for each retryable answer
 * @throws Error if the daemon refuses it, or does not take it for too long
 */
export async function sendUntilTaken(send: Send, request: Uint8Array, onWait: () => void): Promise<Taken> {
  const end = performance.now() + PATIENCE_MS
  while (performance.now() < end) {
    const answer = await send(request)
    if (answer.kind === 'taken') return answer
    if (answer.kind === 'refused') throw new Error(`refused: ${answer.message}`)
    onWait()
    await sleep(Math.min(answer.afterMs, LONGEST_WAIT_MS))
  }
  throw new Error(`a request was not taken within ${PATIENCE_MS} ms`)
}

/** One request over OTLP/HTTP, for those who want the answer as it is. */
export function postRecords({ httpPort }: Daemon, ...records: readonly RecordFields[]): Promise<Response> {
  const headers = { 'content-type': 'application/x-protobuf' }
  const body = Buffer.from(recordsRequest(...records))
  return fetch(`http://127.0.0.1:${httpPort}/v1/logs`, { method: 'POST', headers, body })
}

/** What a sender says beside its request, by lower-case names. */
export type Headers = Readonly<Record<string, string>>

/** Over OTLP/HTTP, with protobuf unless `more` names another content type. */
export function httpSender({ httpPort: port }: Daemon, more: Headers = {}): Send {
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  return (request) =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/x-protobuf', 'content-length': request.length, ...more }
      const call = httpRequest(
        { agent, host: '127.0.0.1', port, path: '/v1/logs', method: 'POST', headers },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            const { statusCode = 0 } = response
            const retryAfter = response.headers['retry-after']
            const body = Buffer.concat(chunks)
            if (statusCode === 200)
              resolve(headers['content-type'] === MEDIA_TYPES.json ? takenJson(body) : taken(body))
            else if (statusCode === 503 && retryAfter !== undefined)
              resolve({ kind: 'wait', afterMs: Number(retryAfter) * 1_000 })
            else resolve({ kind: 'refused', message: `${statusCode} ${body.toString('latin1')}` })
          })
        },
      )
      call.on('error', reject)
      call.end(request)
    })
}

/** Over OTLP/gRPC. */
export function grpcSender({ grpcPort }: Daemon, headers: Headers = {}): Send {
  const client = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure(), { 'grpc.enable_retries': 0 })
  onTestFinished(() => client.close())
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  const same = (bytes: Buffer) => bytes
  const path = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
  return (request) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, Buffer.from(request), metadata, (error, answer) => {
        if (error === null) return resolve(taken(answer ?? Buffer.alloc(0)))
        const afterMs = error.code === status.UNAVAILABLE ? retryDelayMs(error) : undefined
        if (afterMs !== undefined) resolve({ kind: 'wait', afterMs })
        // Without details it is no answer of the daemon: the connection is gone.
        else if (error.code === status.UNAVAILABLE) reject(error)
        else resolve({ kind: 'refused', message: `${error.code} ${error.details}` })
      })
    })
}

function takenJson(response: Buffer): Taken {
  const { partialSuccess } = JsonLogsSerializer.deserializeResponse(response)
  return {
    kind: 'taken',
    rejected: partialSuccess?.rejectedLogRecords ?? 0,
    message: partialSuccess?.errorMessage ?? '',
  }
}

function taken(response: Uint8Array): Taken {
  const { partialSuccess } = ProtobufLogsSerializer.deserializeResponse(response)
  return {
    kind: 'taken',
    rejected: partialSuccess?.rejectedLogRecords ?? 0,
    message: partialSuccess?.errorMessage ?? '',
  }
}

/** RetryInfo in the Status that comes with an error, in ms. */
function retryDelayMs(error: ServiceError): number | undefined {
  const [details] = error.metadata.get('grpc-status-details-bin')
  if (!Buffer.isBuffer(details)) return undefined
  // Status{details = 3 of Any{value = 2 of RetryInfo{retry_delay = 1 of Duration{seconds = 1, nanos = 2}}}}
  const duration = inside(inside(inside(details, 3), 2), 1)
  return duration === undefined ? undefined : number(duration, 1) * 1_000 + number(duration, 2) / 1e6
}

/** The first message in a field. */
function inside(message: Uint8Array | undefined, field: number): Uint8Array | undefined {
  if (message === undefined) return undefined
  const reader = new ProtobufReader()
  reader.reset(message)
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === ((field << 3) | LEN)) {
      const length = reader.length()
      return message.subarray(reader.pos, reader.pos + length)
    }
    reader.skip(tag)
  }
  return undefined
}

function number(message: Uint8Array, field: number): number {
  const reader = new ProtobufReader()
  reader.reset(message)
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === ((field << 3) | VARINT)) return reader.uint32()
    reader.skip(tag)
  }
  return 0
}
