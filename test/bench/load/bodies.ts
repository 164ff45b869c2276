import { NO_ID as ID } from './ids.ts'
import type { Traffic } from '../rows.ts'

const SHORT_LENGTH = 160
const TRACE_LENGTH = 8_192

const TRACE =
  `${ID} java.lang.IllegalStateException: order "c-17" has no address\n` +
  Array.from({ length: 200 }, (_, i) => `\tat com.example.shop.orders.Order$Step${i}.run(Order.java:${i + 40})\n`).join(
    '',
  )

const LONG: readonly unknown[] = [
  {
    id: ID,
    event: 'order.accepted',
    customer: { id: 'c-17', tier: 'gold', tags: ['returning', 'newsletter'] },
    items: [
      { sku: 'A-1029', count: 2, price: 49.95 },
      { sku: 'B-7', count: 1, price: 50 },
    ],
    paid: true,
  },
  `${ID} ${'注文を受け付けました。お支払いを確認し、発送の準備をしています。'.repeat(5)}`.slice(0, SHORT_LENGTH),
  TRACE.slice(0, TRACE_LENGTH),
]

/** The body of a request's i-th record, with a place for its id. */
export function bodyOf(kind: Traffic['bodies'], i: number): unknown {
  if (kind === 'long') return LONG[i % LONG.length]
  return `order ${ID} accepted for customer "c-${i % 97}" with 3 items; payment authorised, shipment scheduled`.padEnd(
    SHORT_LENGTH,
    '.',
  )
}
