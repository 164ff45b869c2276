// The library for bundlers, behind the export condition "module": its dependencies in it, as ES modules. A bundler would
// take the AWS SDK's CommonJS, whose require() esbuild cannot carry into an ES module ("Dynamic require of ... is not
// supported"). OpenTelemetry's packages stay outside: the application has the same ones. So does winston-transport, whose
// CommonJS an application that bundles winston carries anyway.
import { defineConfig } from 'rolldown'

export default defineConfig({
  input: ['src/index.ts', 'src/winston.ts', 'src/pino.ts'],
  external: /^(?:@opentelemetry\/|winston-transport$)/,
  platform: 'node',
  resolve: { mainFields: ['module', 'main'] },
  output: { dir: 'dist/bundled', format: 'esm', cleanDir: true },
  logLevel: 'silent',
})
