import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { runToEnd } from '../integration/daemon.ts'
import { GO_INSTALL_TIMEOUT_MS, goTools } from './go-tools.ts'

const execute = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..')
const CHART = join(ROOT, 'helm', 'otlp-cloudwatch')

const go = await goTools()

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: unknown
}

describe.skipIf(go.missing !== undefined)(`the chart ${go.missing ?? ''}`, () => {
  let helm = ''
  beforeAll(async () => {
    helm = await go.install('helm')
  }, GO_INSTALL_TIMEOUT_MS)

  /** A helm that was built without a release's flags takes itself for Kubernetes 1.20. */
  async function render(options: readonly string[] = [], kubeVersion = '1.36.0'): Promise<Manifest[]> {
    const args = ['template', 'logs', CHART, '--kube-version', kubeVersion, ...options]
    const { stdout } = await execute(helm, args)
    return parseAllDocuments(stdout).map((document) => document.toJS() as Manifest)
  }

  test('passes helm lint --strict', async () => {
    const { stdout } = await execute(helm, ['lint', '--strict', CHART])
    expect(stdout).toContain('0 chart(s) failed')
  })

  test.each(['1.28.0', '1.36.0'])('renders for Kubernetes %s', async (kubeVersion) => {
    const manifests = await render([], kubeVersion)
    expect(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted()).toEqual([
      'ConfigMap logs-otlp-cloudwatch',
      'DaemonSet logs-otlp-cloudwatch',
      'Service logs-otlp-cloudwatch',
      'ServiceAccount logs-otlp-cloudwatch',
    ])
  })

  test('refuses a value that it does not know', async () => {
    await expect(render(['--set', 'imagePullPolicy=Always'])).rejects.toMatchObject({
      stderr: expect.stringContaining('imagePullPolicy'),
    })
  })

  test.each([
    ['its own values', []],
    [
      'another group',
      ['--set-literal', 'config.exporters.awscloudwatchlogs.log_group_name=/cluster/{k8s.namespace.name}'],
    ],
  ])('its config is one that the daemon runs: %s', async (_, options) => {
    const config = (await render(options)).find(({ kind }) => kind === 'ConfigMap')?.data?.['config.yaml'] ?? ''
    const folder = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const file = join(folder, 'config.yaml')
    await writeFile(file, config)
    expect(await runToEnd(['validate', '--config', file])).toMatchObject({ code: 0, stderr: '' })
  })
})
