// A PutLogEvents that only counts: events by their `{"timestamp":`. Prints its port, then the count when asked (SIGUSR2).

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const EVENT = Buffer.from('{"timestamp":')
let events = 0
let puts = 0
let bytes = 0

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (String(request.headers['x-amz-target']).endsWith('.PutLogEvents')) {
      const body = Buffer.concat(chunks)
      puts++
      bytes += body.length
      for (let at = body.indexOf(EVENT); at >= 0; at = body.indexOf(EVENT, at + EVENT.length)) events++
    }
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': String(puts) })
    response.end('{"nextSequenceToken":"1"}')
  })
})

server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('message', () => process.send?.({ events, puts, bytes }))
process.on('disconnect', () => process.exit())
