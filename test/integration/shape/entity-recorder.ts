// A proxy to a CloudWatch that records the entity of each put, and may answer that it was not accepted.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

interface Put {
  readonly logStreamName: string
  readonly entity?: { readonly keyAttributes: Readonly<Record<string, string>> }
  readonly logEvents: readonly { readonly message: string }[]
}

export interface EntityRecorder {
  readonly url: string
  readonly puts: readonly Put[]
  /** Entities of these services are rejected. */
  readonly rejected: Set<string>
}

export async function recordEntities(endpoint: string): Promise<EntityRecorder> {
  const puts: Put[] = []
  const rejected = new Set<string>()
  const server = createServer((request, response) => {
    void forward(request, endpoint).then(
      async ({ body, answer }) => {
        const text = await answer.text()
        const put = request.headers['x-amz-target'] === 'Logs_20140328.PutLogEvents' && answer.ok
        const parsed = put ? (JSON.parse(body.toString()) as Put) : undefined
        if (parsed !== undefined) puts.push(parsed)
        const isRejected = rejected.has(parsed?.entity?.keyAttributes['Name'] ?? '')
        const rejectedEntityInfo = isRejected ? { errorType: 'InvalidAttributes' } : undefined
        const sent = put ? JSON.stringify({ ...(JSON.parse(text) as object), rejectedEntityInfo }) : text
        response.writeHead(answer.status, {
          'content-type': 'application/x-amz-json-1.1',
          'x-amzn-requestid': 'recorded',
        })
        response.end(sent)
      },
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, puts, rejected }
}

async function forward(request: IncomingMessage, endpoint: string) {
  const body = await buffer(request)
  const kept = ['x-amz-target', 'content-type', 'authorization', 'x-amz-date'].flatMap((name) => {
    const value = request.headers[name]
    return typeof value === 'string' ? [[name, value] as const] : []
  })
  return {
    body,
    answer: await fetch(endpoint, { method: 'POST', headers: Object.fromEntries(kept), body: new Uint8Array(body) }),
  }
}
