// Sends the same request over and over for some seconds, with a number of them always under way.
//   fork('load.ts', [protocol, port, seconds, records, inFlight])

import { Agent, request as httpRequest } from 'node:http'
import { credentials, makeClientConstructor, type ServiceDefinition } from '@grpc/grpc-js'
import { exampleRequest } from './requests.ts'

const [protocol = 'http', port = '4318', seconds = '10', records = '512', inFlight = '8'] = process.argv.slice(2)
const body = Buffer.from(exampleRequest(Number(records)))
const send = protocol === 'grpc' ? grpcSender() : httpSender()
const until = performance.now() + Number(seconds) * 1_000
let taken = 0
let refused = 0
/** ms from the call to its answer, of those that were taken. */
const latencies: number[] = []

await Promise.all(
  Array.from({ length: Number(inFlight) }, async () => {
    while (performance.now() < until) {
      const started = performance.now()
      if (await send()) {
        latencies.push(performance.now() - started)
        taken += Number(records)
      } else {
        refused++
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }),
)
latencies.sort((a, b) => a - b)
process.send?.({ taken, refused, p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0 })
process.exit()

function httpSender(): () => Promise<boolean> {
  const agent = new Agent({ keepAlive: true, maxSockets: Number(inFlight) })
  const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length }
  return () =>
    new Promise((resolve, reject) => {
      const options = { agent, host: '127.0.0.1', port: Number(port), path: '/v1/logs', method: 'POST', headers }
      const call = httpRequest(options, (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode === 200))
      })
      call.on('error', reject)
      call.end(body)
    })
}

function grpcSender(): () => Promise<boolean> {
  const identity = (bytes: Buffer) => bytes
  const service: ServiceDefinition = {
    export: {
      path: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
      requestStream: false,
      responseStream: false,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    },
  }
  const client = new (makeClientConstructor(service, 'LogsService'))(`127.0.0.1:${port}`, credentials.createInsecure())
  const call = client['export']?.bind(client) as (bytes: Buffer, done: (error: Error | null) => void) => void
  return () => new Promise((resolve) => call(body, (error) => resolve(error === null)))
}
