// @ts-check
import { registerHooks } from 'node:module'
import { SeverityNumber } from '@opentelemetry/api-logs'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'

/** Every file that is loaded from here on. @type {string[]} */
const loaded = []
registerHooks({
  load(url, context, nextLoad) {
    loaded.push(url)
    return nextLoad(url, context)
  },
})

const { CloudWatchLogRecordExporter } = await import('otlp-cloudwatch')

const exporter = new CloudWatchLogRecordExporter({
  logGroupName: '/app/{service.name}',
  logStreamName: 'main',
  region: 'eu-central-1',
  endpoint: process.argv[2],
})
const provider = new LoggerProvider({
  resource: resourceFromAttributes({ 'service.name': 'checkout' }),
  processors: [new BatchLogRecordProcessor({ exporter })],
})
const logger = provider.getLogger('shop', '1.2.3')
for (const order of [17, 18, 19]) {
  logger.emit({
    body: `paid order ${order}`,
    severityNumber: SeverityNumber.INFO,
    severityText: 'INFO',
    attributes: { 'order.id': order, items: ['a-1', 'b-2'] },
  })
}
await provider.forceFlush()
const { received, delivered, queued } = exporter.ledger
await provider.shutdown()

process.stdout.write(JSON.stringify({ node: process.version, received, delivered, queued, loaded }))
