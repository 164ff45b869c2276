// Programs built from Go modules into test/.tools/go, once, at these versions.
//
//   const go = await goTools()
//   describe.skipIf(go.missing !== undefined)(`telemetrygen ${go.missing ?? ''}`, () => {
//     beforeAll(async () => { telemetrygen = await go.install('telemetrygen') }, GO_INSTALL_TIMEOUT_MS)
import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const TOOLS = {
  telemetrygen: 'github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@v0.161.0',
  helm: 'helm.sh/helm/v3/cmd/helm@v3.22.0',
} as const

/** Helm takes two minutes on two cores; a slow network as long again. */
export const GO_INSTALL_TIMEOUT_MS = 900_000

const FOLDER = join(import.meta.dirname, '..', '.tools', 'go')
const execute = promisify(execFile)

export interface GoTools {
  /** Why there is no Go, in brackets; undefined if there is one. */
  readonly missing: string | undefined
  /** The path of the program, built if it is not there. */
  install(tool: keyof typeof TOOLS): Promise<string>
}

export async function goTools(): Promise<GoTools> {
  const missing = await execute('go', ['version']).then(
    () => undefined,
    () => '(skipped: go is not installed)',
  )
  return { missing, install }
}

async function install(tool: keyof typeof TOOLS): Promise<string> {
  const module = TOOLS[tool]
  const program = join(FOLDER, `${tool}-${module.split('@')[1] ?? ''}`)
  if (await exists(program)) return program
  await mkdir(FOLDER, { recursive: true })
  const folder = await mkdtemp(join(FOLDER, 'building-'))
  try {
    const env = {
      ...process.env,
      GOBIN: folder,
      CGO_ENABLED: '0',
      // The module's own sum, which the checksum database does not always have; those of what it needs are checked.
      GONOSUMDB: 'github.com/open-telemetry/opentelemetry-collector-contrib/*',
    }
    await execute('go', ['install', module], { env, timeout: GO_INSTALL_TIMEOUT_MS })
    // In one step: a half written one is never found.
    await rename(join(folder, tool), program)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return program
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
