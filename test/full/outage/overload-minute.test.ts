import { test } from 'vitest'
import { overload } from '../../integration/daemon/daemon-overload.ts'

test('a backend that is dead for a minute under full load', () => overload(60_000), 300_000)
