// OTLP/HTTP on a bare socket: Node's client would take more CPU than some of what is measured here.

import { connect, type Socket } from 'node:net'
import type { Send, SendOptions, SendOutcome } from './send.ts'

export function connectHttp({ port, json, gzip }: SendOptions): Send {
  const head =
    `POST /v1/logs HTTP/1.1\r\nHost: localhost:${port}\r\n` +
    `Content-Type: application/${json ? 'json' : 'x-protobuf'}\r\n${gzip ? 'Content-Encoding: gzip\r\n' : ''}`
  let socket: Socket | undefined
  let answer = ''
  let settle: ((outcome: SendOutcome | Error) => void) | undefined

  const open = (): Socket => {
    const opened = connect({ port, host: '127.0.0.1', noDelay: true })
    opened.setEncoding('latin1')
    opened.on('data', (text: string) => {
      answer += text
      const outcome = outcomeOf(answer)
      if (outcome !== undefined) settle?.(outcome)
    })
    // A target that refuses at the headers may close while the body is being written; its answer has been read by then.
    opened.on('error', () => opened.destroy())
    opened.on('close', () => {
      if (socket !== opened) return
      socket = undefined
      settle?.('unknown')
    })
    return opened
  }

  return (body) =>
    new Promise((resolve, reject) => {
      answer = ''
      settle = (outcome) => {
        settle = undefined
        if (outcome instanceof Error) reject(outcome)
        else resolve(outcome)
      }
      socket ??= open()
      socket.cork()
      socket.write(`${head}Content-Length: ${body.length}\r\n\r\n`)
      socket.write(body)
      socket.uncork()
    })
}

/** Undefined until the whole answer is there. */
function outcomeOf(answer: string): SendOutcome | Error | undefined {
  const headEnd = answer.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const length = /\r\ncontent-length: (\d+)/i.exec(answer)?.[1]
  if (length === undefined) return new Error(`an answer without a length: ${answer}`)
  if (answer.length < headEnd + 4 + Number(length)) return undefined
  const status = answer.slice(9, 12)
  if (status === '200') return 'taken'
  return ['429', '502', '503', '504'].includes(status) ? 'refused' : new Error(answer)
}
