import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { listenOptions, type Endpoint } from '../../../listen/socket/endpoint.ts'
import type { Answer } from '../answer/answer.ts'
import type { Api, StreamAnswer } from './api.ts'
import { readAuthorization } from './authorization.ts'
import { readBody, readForm } from './request-body.ts'
import { ServiceError } from '../answer/service-error.ts'
import { writeStsAnswer } from './sts-answer.ts'
import { streamAnswer } from './stream-answer.ts'

const CONTENT_TYPE = 'application/x-amz-json-1.1'
/** The query protocol, which STS speaks. */
const FORM_TYPE = 'application/x-www-form-urlencoded'
const TARGET_PREFIX = 'Logs_20140328.'
/** Longer than clients keep a connection idle, so that the server never closes a connection in use. */
const KEEP_ALIVE_MS = 65_000

/** Each connection may hold a body in memory; SDKs keep at most 50. */
const MAX_CONNECTIONS = 1_000

/** awsJson1.1 over HTTP/1.1: headers and bodies here, everything else in `Api`. */
export class ApiServer {
  readonly #api: Api
  readonly #onDefect: (error: unknown) => void
  #server: Server | undefined
  #closing = new AbortController()

  /** @param onDefect called with an unexpected error (a bug); the client gets a 500 */
  constructor(api: Api, onDefect: (error: unknown) => void) {
    this.#api = api
    this.#onDefect = onDefect
  }

  /** @returns the port; the system chooses it if the endpoint has port 0 */
  async listen(endpoint: Endpoint): Promise<number> {
    this.#closing = new AbortController()
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true }, (request, response) => {
      void this.#handle(request, response)
    })
    server.maxConnections = MAX_CONNECTIONS
    const where = await listenOptions(endpoint)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(where, () => {
        server.off('error', reject)
        resolve()
      })
    })
    this.#server = server
    return (server.address() as AddressInfo).port
  }

  /** Stops listening and cuts every connection. Safe to call twice, or before `listen`. */
  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.#closing.abort()
    if (server === undefined) return
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve())
    })
    server.closeAllConnections()
    await closed
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = randomUUID()
    try {
      const gone = new AbortController()
      response.once('close', () => gone.abort())
      const unanswerable = AbortSignal.any([gone.signal, this.#closing.signal])
      const answer = await this.#answer(request, unanswerable)
      if (answer.kind === 'sts') {
        if (answer.answer.kind === 'done' || answer.answer.kind === 'failed')
          writeStsAnswer(response, requestId, answer.operation, answer.answer)
        else write(response, requestId, answer.answer)
      } else if (answer.kind === 'stream') await streamAnswer(response, requestId, answer.session, unanswerable)
      else write(response, requestId, answer)
    } catch (error) {
      if (response.destroyed || this.#closing.signal.aborted) return // the client has disconnected
      this.#onDefect(error)
      if (response.headersSent) {
        response.destroy()
        return
      }
      const failure = new ServiceError('InternalFailure', 'cloudwatch_local has a defect; see its log.', 500)
      write(response, requestId, { kind: 'failed', error: failure })
    }
  }

  async #answer(request: IncomingMessage, unanswerable: AbortSignal): Promise<Answer | StreamAnswer | StsAnswer> {
    if (typeOf(request) === FORM_TYPE) return this.#answerSts(request, unanswerable)
    try {
      const { json, wireBytes } = await readBody(request)
      const scope = readAuthorization(request.headers)
      const operation = targetOf(request)
      return await this.#api.answer(
        { service: 'logs', operation, json, wireBytes, headers: request.headers, ...scope },
        this.#closing.signal,
        unanswerable,
      )
    } catch (error) {
      if (error instanceof ServiceError) return { kind: 'failed', error }
      throw error
    }
  }

  async #answerSts(request: IncomingMessage, unanswerable: AbortSignal): Promise<StsAnswer> {
    let operation = ''
    try {
      const { form, wireBytes } = await readForm(request)
      operation = form.get('Action') ?? ''
      const scope = readAuthorization(request.headers, 'sts')
      const { headers } = request
      const call = { service: 'sts', operation, json: {}, wireBytes, headers, ...scope } as const
      const answer = await this.#api.answer(call, this.#closing.signal, unanswerable)
      // No operation of STS streams.
      return { kind: 'sts', operation, answer: answer.kind === 'stream' ? { kind: 'cut' } : answer }
    } catch (error) {
      if (error instanceof ServiceError) return { kind: 'sts', operation, answer: { kind: 'failed', error } }
      throw error
    }
  }
}

/** A response in the protocol of STS. */
interface StsAnswer {
  readonly kind: 'sts'
  readonly operation: string
  readonly answer: Answer
}

function typeOf(request: IncomingMessage): string | undefined {
  return request.headers['content-type']?.split(';', 1)[0]
}

/** @throws ServiceError UnknownOperationException for a request that is not a call of this service */
function targetOf(request: IncomingMessage): string {
  const target = request.headers['x-amz-target']
  const type = typeOf(request)
  if (
    request.method === 'POST' &&
    type === CONTENT_TYPE &&
    typeof target === 'string' &&
    target.startsWith(TARGET_PREFIX)
  )
    return target.slice(TARGET_PREFIX.length)
  throw new ServiceError(
    'UnknownOperationException',
    `This is a CloudWatch Logs API: POST / with Content-Type ${CONTENT_TYPE} and X-Amz-Target ${TARGET_PREFIX}<operation>`,
  )
}

function write(response: ServerResponse, requestId: string, answer: Answer): void {
  switch (answer.kind) {
    case 'cut':
      response.destroy()
      return
    case 'garbage':
      send(response, 200, answer.contentType, answer.body, {})
      return
    case 'done': {
      const body = answer.body === undefined ? '' : JSON.stringify(answer.body)
      send(response, 200, CONTENT_TYPE, body, { 'x-amzn-requestid': requestId })
      return
    }
    case 'failed': {
      const { code, message, status, members } = answer.error
      const body = JSON.stringify({ __type: code, message, ...members })
      // The rest of the body is not read, so the connection closes.
      if (status === 413) response.setHeader('connection', 'close')
      send(response, status, CONTENT_TYPE, body, { 'x-amzn-requestid': requestId, 'x-amzn-errortype': code })
    }
  }
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Record<string, string>,
): void {
  response.writeHead(status, { ...headers, 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
