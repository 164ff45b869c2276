// The Go collector with what is measured here and nothing else, made by the collector's own builder. Built once.

import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

export const GO_COLLECTOR_VERSION = 'v0.152.0'
/** The version that modules past 1.0 have in that release. */
const STABLE_VERSION = 'v1.58.0'

const CORE = 'go.opentelemetry.io/collector'
const CONTRIB = 'github.com/open-telemetry/opentelemetry-collector-contrib'

const MANIFEST = {
  dist: { name: 'otelcol-bench', version: GO_COLLECTOR_VERSION.slice(1), output_path: 'source' },
  receivers: [{ gomod: `${CORE}/receiver/otlpreceiver ${GO_COLLECTOR_VERSION}` }],
  processors: [{ gomod: `${CORE}/processor/batchprocessor ${GO_COLLECTOR_VERSION}` }],
  exporters: [
    { gomod: `${CONTRIB}/exporter/awscloudwatchlogsexporter ${GO_COLLECTOR_VERSION}` },
    // Not measured: they send to the daemon in test/full.
    { gomod: `${CORE}/exporter/otlpexporter ${GO_COLLECTOR_VERSION}` },
    { gomod: `${CORE}/exporter/otlphttpexporter ${GO_COLLECTOR_VERSION}` },
  ],
  extensions: [{ gomod: `${CONTRIB}/extension/storage/filestorage ${GO_COLLECTOR_VERSION}` }],
  // The environment is the default one, without which none starts.
  providers: ['fileprovider', 'envprovider'].map((name) => ({
    gomod: `${CORE}/confmap/provider/${name} ${STABLE_VERSION}`,
  })),
}

const FOLDER = join(import.meta.dirname, '..', '..', '.tools', 'go')
/** The number changes with the manifest, so that a program built from an older one is not used. */
const PROGRAM = join(FOLDER, `otelcol-bench-2-${GO_COLLECTOR_VERSION}`)
const execute = promisify(execFile)

export async function goVersion(): Promise<string | undefined> {
  return execute('go', ['version']).then(
    ({ stdout }) => stdout.trim().split(' ')[2],
    () => undefined,
  )
}

/** Its path, after it was built if it was not there; that takes a minute or two. */
export async function goCollector(): Promise<string> {
  if (await exists(PROGRAM)) return PROGRAM
  process.stderr.write(`building the Go collector ${GO_COLLECTOR_VERSION}\n`)
  await mkdir(FOLDER, { recursive: true })
  const folder = await mkdtemp(join(FOLDER, 'building-'))
  try {
    await writeFile(join(folder, 'build.yaml'), JSON.stringify(MANIFEST))
    await run(folder, folder, 'go', 'install', `${CORE}/cmd/builder@${GO_COLLECTOR_VERSION}`)
    // `go build` fetches what is compiled. The builder itself would `go mod tidy`, which wants the modules of all tests too.
    await run(folder, folder, './builder', '--config=build.yaml', '--skip-get-modules', '--skip-compilation')
    await run(folder, join(folder, 'source'), 'go', 'build', '-trimpath', '-ldflags=-s -w', '-o', '../program', '.')
    // In one step: a half written one is never found.
    await rename(join(folder, 'program'), PROGRAM)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return PROGRAM
}

/** Leaves the processors to other work on the machine. */
async function run(bin: string, cwd: string, ...command: readonly string[]): Promise<void> {
  const env = {
    ...process.env,
    GOBIN: bin,
    GOFLAGS: '-mod=mod',
    CGO_ENABLED: '0',
    // The checksum database does not always have contrib's modules; those of what they need are checked.
    GONOSUMDB: `${CONTRIB}/*`,
  }
  await execute('nice', ['-n', '15', ...command], { cwd, env, maxBuffer: 64 * 2 ** 20 })
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
