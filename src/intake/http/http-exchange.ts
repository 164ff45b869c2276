import type { OutgoingHttpHeaders } from 'node:http'
import type { Identity } from '../../component/authenticator.ts'
import { drain, type HttpRequest } from '../../listen/http/body.ts'
import type { Cors } from '../../listen/http/cors.ts'
import type { HttpResponse } from '../../listen/http/http-server.ts'
import type { HttpAnswer } from './http-answer.ts'

/** Settings shared by all responses of a server. */
export interface AnswerRules {
  readonly cors: Cors | undefined
  readonly responseHeaders: Readonly<Record<string, string>>
  /** Maximum bytes of a body. */
  readonly limitBytes: number
  /** Whether connections close after the next response. */
  closing(): boolean
}

/** One request and the one answer to it. */
export class HttpExchange {
  readonly request: HttpRequest
  /** The connection closes after the response. */
  isLast = false
  /** The tenant that sent it, once that is known. */
  identity: Identity | undefined
  readonly #response: HttpResponse
  readonly #rules: AnswerRules
  /** The sender holds its body back until it receives `100 Continue`. */
  #awaitsContinue: boolean

  constructor(request: HttpRequest, response: HttpResponse, rules: AnswerRules, awaitsContinue: boolean) {
    this.request = request
    this.#response = response
    this.#rules = rules
    this.#awaitsContinue = awaitsContinue
  }

  /** Sends `100 Continue` to a sender that waits for it. */
  continueBody(): void {
    if (!this.#awaitsContinue) return
    this.#awaitsContinue = false
    this.#response.writeContinue()
  }

  /** The address of the sender, while it is connected. */
  get sender(): string | undefined {
    return this.request.socket.remoteAddress
  }

  /** @param listener called when the response is sent or the sender disconnects */
  onClose(listener: () => void): void {
    this.#response.once('close', listener)
  }

  /** Harmless if the sender has disconnected. */
  send(answer: HttpAnswer): void {
    // Node itself would read without a limit, and leave the buffers to the garbage collector.
    if (this.request.readableFlowing === null) drain(this.request, this.#rules.limitBytes)
    const close = this.isLast || this.#rules.closing()
    this.#response.writeHead(answer.status, this.#headers(answer, close))
    this.#response.end(answer.body)
    if (close && 'stream' in this.request) this.request.stream.session?.close()
  }

  #headers(answer: HttpAnswer, close: boolean): OutgoingHttpHeaders {
    const { cors, responseHeaders } = this.#rules
    const headers: OutgoingHttpHeaders = { ...answer.headers, ...responseHeaders }
    if (answer.status !== 204) cors?.addHeaders(this.request.headers, headers)
    // HTTP/2 has no such header: `send` closes the session instead.
    if (close && this.request.httpVersionMajor === 1) headers['connection'] = 'close'
    return headers
  }
}
