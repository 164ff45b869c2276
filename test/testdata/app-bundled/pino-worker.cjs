// pino with its transport in a worker thread: node pino-worker.cjs ENDPOINT TEXT
const { pino } = require('pino')

const options = {
  logGroupName: '/app',
  logStreamName: 'pino',
  region: 'eu-central-1',
  endpoint: process.argv[2],
  flushTimeoutMillis: 8_000,
}
pino(pino.transport({ target: 'otlp-cloudwatch/pino', options })).info(process.argv[3])
process.exit(0)
