// One awsJson1.1 call, written by hand: for requests that no SDK would send.

export interface CloudWatchAnswer {
  readonly status: number
  readonly headers: Headers
  /** The parsed body; `{}` for the empty answer of a call that returns nothing. */
  readonly body: Record<string, unknown>
}

/** A well-formed SigV4 header with a made-up signature. */
export const SIGNED: Readonly<Record<string, string>> = {
  authorization:
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/logs/aws4_request, ' +
    `SignedHeaders=host;x-amz-date;x-amz-target, Signature=${'0a'.repeat(32)}`,
  'x-amz-date': '20260102T030405Z',
}

export async function callCloudWatch(
  url: string,
  operation: string,
  request: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<CloudWatchAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `Logs_20140328.${operation}`,
      ...SIGNED,
      ...headers,
    },
    body: typeof request === 'string' || request instanceof Uint8Array ? request : JSON.stringify(request),
  })
  const text = await response.text()
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  return { status: response.status, headers: response.headers, body }
}

/** `code: message` of a refusal; `ok` for what was not refused. */
export function refusalOf({ status, body }: CloudWatchAnswer): string {
  return status === 200 ? 'ok' : `${String(body['__type'])}: ${String(body.message)}`
}
