import { test } from 'vitest'
import { overload } from './daemon-overload.ts'

test(
  'a backend that is down under full load: senders wait, memory is bounded, every record arrives once',
  () => overload(8_000),
  180_000,
)
