// winston and pino with their transports: node FILE ENDPOINT TEXT
import { once } from 'node:events'
import { pino } from 'pino'
import winston from 'winston'
import { CloudWatchStream } from 'otlp-cloudwatch/pino'
import { CloudWatchTransport } from 'otlp-cloudwatch/winston'

async function main() {
  const options = {
    logGroupName: '/app',
    logStreamName: 'main',
    region: 'eu-central-1',
    endpoint: process.argv[2],
    flushTimeoutMillis: 20_000,
  }
  const transport = new CloudWatchTransport(options)
  const stream = new CloudWatchStream({ ...options, logStreamName: 'pino' })
  const log = winston.createLogger({ transports: [transport] })
  log.info(process.argv[3])
  pino(stream).info(process.argv[3])
  log.end()
  stream.end()
  await Promise.all([once(log, 'finish'), once(stream, 'close')])
  process.stdout.write(JSON.stringify([transport, stream].map(({ ledger, dropped }) => [ledger.delivered, dropped])))
}

void main()
