import { expect, onTestFinished, test, vi } from 'vitest'
import { Child } from '../../../src/process/child.ts'

test('a worker that cannot be started is reported as ended, once', async () => {
  const { execPath } = process
  onTestFinished(() => void (process.execPath = execPath))
  process.execPath = '/no/such/program'
  const exited = vi.fn<(child: Child, how: string) => void>()
  const child = new Child({ ports: [], news: [] }, { config() {}, want() {}, done() {}, news() {}, exited })
  await expect(child.started).rejects.toThrow('ENOENT')
  expect(exited.mock.calls).toEqual([[child, expect.stringContaining('ENOENT')]])
})
