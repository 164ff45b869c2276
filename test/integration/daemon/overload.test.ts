import { test } from 'vitest'
import { overload } from './daemon-overload.ts'

test(
  'a backend that is dead under full load: senders wait, memory stays, every record arrives once',
  () => overload(8_000),
  180_000,
)
