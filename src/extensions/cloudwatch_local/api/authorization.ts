import type { IncomingHttpHeaders } from 'node:http'
import { ServiceError } from '../answer/service-error.ts'

export interface CredentialScope {
  readonly accessKeyId: string
  readonly region: string
}

const FORM = /^AWS4-HMAC-SHA256 +(.*)$/
const CREDENTIAL = /^([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request$/

/**
 * Checks the presence and the form of a SigV4 `Authorization` header. The signature itself is not computed: any
 * credentials are accepted, but a client that does not sign, or signs for another service, fails here as in AWS.
 * @param expected the service that the request is for
 * @throws ServiceError MissingAuthenticationTokenException, IncompleteSignatureException, InvalidSignatureException
 */
export function readAuthorization(headers: IncomingHttpHeaders, expected: 'logs' | 'sts' = 'logs'): CredentialScope {
  const header = headers.authorization
  if (header === undefined)
    throw new ServiceError('MissingAuthenticationTokenException', 'Missing Authentication Token')
  const form = FORM.exec(header)
  if (form === null)
    throw new ServiceError(
      'IncompleteSignatureException',
      `Unsupported Authorization type: '${header.split(' ', 1)[0]}'.`,
    )
  const parts = new Map((form[1] ?? '').split(/, */).map((part) => splitAt(part, '=')))

  const missing = ['Credential', 'Signature', 'SignedHeaders'].filter((name) => !parts.get(name))
  const wants = missing.map((name) => `Authorization header requires '${name}' parameter.`)
  if (headers['x-amz-date'] === undefined && headers.date === undefined)
    wants.push("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
  if (wants.length > 0) throw new ServiceError('IncompleteSignatureException', wants.join(' '))

  const [, accessKeyId = '', date = '', region = '', service = ''] =
    CREDENTIAL.exec(parts.get('Credential') ?? '') ?? []
  if (accessKeyId === '')
    throw new ServiceError(
      'IncompleteSignatureException',
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, with the term 'aws4_request'.",
    )
  if (service !== expected) throw invalidSignature(`Credential should be scoped to correct service: '${expected}'.`)
  const amzDate = headers['x-amz-date']
  if (typeof amzDate === 'string' && !amzDate.startsWith(date))
    throw invalidSignature(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: '${amzDate}'.`,
    )
  if (!(parts.get('SignedHeaders') ?? '').split(';').includes('host'))
    throw invalidSignature("'Host' must be a 'SignedHeader' in the AWS Authorization.")
  if (!/^[0-9a-f]{64}$/.test(parts.get('Signature') ?? ''))
    throw invalidSignature('The signature is not 64 hexadecimal digits.')
  return { accessKeyId, region }
}

function invalidSignature(message: string): ServiceError {
  return new ServiceError('InvalidSignatureException', message)
}

function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
