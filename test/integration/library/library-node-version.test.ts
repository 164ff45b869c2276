// An older Node imports the library: `process.versions` is replaced; full/library/library-bundles runs the real ones.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const execute = promisify(execFile)
const ENTRY = new URL('../../../src/index.ts', import.meta.url).href

/** What an import of the library comes to on a Node that says it is of this version. */
async function importOn(version: string): Promise<string> {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
  const script = `import(${JSON.stringify(ENTRY)}).then((library) => console.log(Object.keys(library).join()), (error) => console.log(error.message))`
  const preload = `data:text/javascript,${encodeURIComponent(pretend)}`
  const { stdout } = await execute(process.execPath, ['--import', preload, '-e', script])
  return stdout.trim()
}

test.each(['18.20.8', '20.20.2', '22.0.0', '22.14.0'])('Node %s is refused at import', async (version) => {
  expect(await importOn(version)).toBe(
    `otlp-cloudwatch needs Node 22.15 or later, and this is Node ${version}: run the application with a newer Node`,
  )
})

test.each(['22.15.0', '22.20.1', '23.0.0', '24.1.0', '100.0.0'])('Node %s is accepted', async (version) => {
  expect(await importOn(version)).toBe('CloudWatchLogRecordExporter')
})
