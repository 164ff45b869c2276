// A web application that sends a log record for each request as OTLP/HTTP JSON, without a library.
import { createServer } from 'node:http'
import process from 'node:process'

const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME: service = 'web', PORT = '8080' } = process.env
const SEND_EVERY_MS = 1_000
/** Beyond this many unsent records the oldest are dropped, so that an outage does not fill the memory. */
const MAX_UNSENT = 10_000

let unsent = []
let dropped = 0

function log(severityText, body) {
  unsent.push({ timeUnixNano: `${Date.now()}000000`, severityText, body: { stringValue: body } })
  if (unsent.length > MAX_UNSENT) dropped += unsent.splice(0, unsent.length - MAX_UNSENT).length
}

async function send() {
  const logRecords = unsent
  if (logRecords.length === 0) return
  unsent = []
  const attributes = [{ key: 'service.name', value: { stringValue: service } }]
  const body = JSON.stringify({ resourceLogs: [{ resource: { attributes }, scopeLogs: [{ logRecords }] }] })
  try {
    const headers = { 'content-type': 'application/json' }
    const signal = AbortSignal.timeout(10_000)
    const response = await fetch(`${endpoint}/v1/logs`, { method: 'POST', headers, body, signal })
    if (response.ok) return
    // 429 and 503 ask to send again; any other status would be the same next time.
    if (response.status !== 429 && response.status !== 503) {
      process.stderr.write(`${logRecords.length} records were refused: ${response.status} ${await response.text()}\n`)
      return
    }
  } catch (error) {
    process.stderr.write(`records wait: ${error.message}\n`)
  }
  unsent = [...logRecords, ...unsent].slice(-MAX_UNSENT)
}

const server = createServer((request, response) => {
  log('INFO', `${request.method} ${request.url}`)
  response.end('hello\n')
})
let sending = Promise.resolve()
const timer = setInterval(() => {
  sending = sending.then(send)
}, SEND_EVERY_MS)

server.listen(Number(PORT), () => process.stdout.write(`listening on port ${server.address().port}\n`))
process.once('SIGTERM', async () => {
  clearInterval(timer)
  server.close()
  server.closeIdleConnections()
  await sending
  await send()
  process.stderr.write(`stopped: ${unsent.length} records unsent, ${dropped} dropped\n`)
})
