// node bundle.mjs BUNDLER FORMAT FILE [ENTRY]: the entry (app.mjs) and all it needs in one file, with the bundler's defaults for Node.
import { basename, dirname, resolve } from 'node:path'

const [bundler, format, file = '', name = 'app.mjs'] = process.argv.slice(2)
const entry = resolve(import.meta.dirname, name)

const bundlers = {
  async esbuild() {
    const { build } = await import('esbuild')
    await build({ entryPoints: [entry], outfile: file, bundle: true, platform: 'node', format, logLevel: 'error' })
  },
  async rolldown() {
    const { build } = await import('rolldown')
    const output = { file, format, codeSplitting: false }
    await build({ input: entry, platform: 'node', output, logLevel: 'silent' })
  },
  async webpack() {
    const { default: webpack } = await import('webpack')
    const module = format === 'esm'
    const compiler = webpack({
      entry,
      mode: 'production',
      target: 'node22',
      experiments: { outputModule: module },
      optimization: { minimize: false },
      output: {
        path: dirname(resolve(file)),
        filename: basename(file),
        asyncChunks: false,
        ...(module ? { module, library: { type: 'module' } } : {}),
      },
    })
    const stats = await new Promise((done, fail) => {
      compiler.run((error, result) => (error === null ? done(result) : fail(error)))
    })
    if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }))
  },
}
await bundlers[bundler]()
