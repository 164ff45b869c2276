import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import { CloudWatchLogRecordExporter } from 'otlp-cloudwatch'

async function main() {
  const exporter = new CloudWatchLogRecordExporter({
    logGroupName: '/app',
    logStreamName: 'main',
    region: 'eu-central-1',
    endpoint: process.argv[2],
    // Without an answer, that is for ever.
    flushTimeoutMillis: 20_000,
  })
  const provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter })] })
  provider.getLogger('shop').emit({ body: process.argv[3] })
  await provider.forceFlush()
  const { received, delivered, queued } = exporter.ledger
  await provider.shutdown()
  process.stdout.write(JSON.stringify({ received, delivered, queued }))
}

void main()
