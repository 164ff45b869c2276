// The query protocol of STS: a form in, XML out. Only GetCallerIdentity, as `otlp-cloudwatch doctor` and the AWS CLI ask it.

import type { ServerResponse } from 'node:http'
import type { Answer } from '../answer/answer.ts'

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** Writes an answer that has a body, or an error. */
export function writeStsAnswer(
  response: ServerResponse,
  requestId: string,
  operation: string,
  answer: Extract<Answer, { readonly kind: 'done' | 'failed' }>,
): void {
  const status = answer.kind === 'done' ? 200 : answer.error.status
  const body =
    answer.kind === 'done'
      ? `<${operation}Response xmlns="${NAMESPACE}"><${operation}Result>${members(answer.body ?? {})}</${operation}Result>` +
        `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>`
      : `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${escaped(answer.error.code)}</Code>` +
        `<Message>${escaped(answer.error.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`
  // The rest of the body is not read, so the connection closes.
  if (status === 413) response.setHeader('connection', 'close')
  response.writeHead(status, {
    'content-type': 'text/xml',
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': requestId,
  })
  response.end(body)
}

function members(body: object): string {
  return Object.entries(body)
    .map(([name, value]) => `<${name}>${escaped(String(value))}</${name}>`)
    .join('')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
