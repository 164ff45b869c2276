// The chart as Helm renders it.
//
//   const chart = await renderChart(helm, ['--set', 'storage.type=none'])
//   chart.pod.containers[0].volumeMounts, chart.config, chart.configText
//   await renderNotes(helm)
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse, parseAllDocuments } from 'yaml'

const execute = promisify(execFile)
export const CHART = join(import.meta.dirname, '..', '..', '..', 'helm', 'otlp-cloudwatch')

export interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
}

export interface Container {
  readonly name: string
  readonly command?: readonly string[]
  readonly securityContext: object
  readonly envFrom?: readonly object[]
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[]
}

export interface Pod {
  readonly terminationGracePeriodSeconds: number
  readonly initContainers?: readonly Container[]
  readonly containers: readonly [Container]
  readonly volumes: readonly { readonly name: string }[]
}

/** As far as the chart's tests look at it. */
export interface ChartConfig {
  readonly extensions: { readonly file_storage?: { readonly directory: string; readonly max_size: string } }
  readonly exporters: Readonly<Record<string, { readonly sending_queue?: object }>>
  readonly service: { readonly extensions: readonly string[]; readonly shutdown_timeout: string }
}

export interface RenderedChart {
  readonly manifests: readonly Manifest[]
  readonly pod: Pod
  /** Changes when pods have to be replaced for a new config. */
  readonly checksum: string
  readonly configText: string
  readonly config: ChartConfig
}

interface ConfigMap extends Manifest {
  readonly data: { readonly 'config.yaml': string }
}

interface DaemonSet extends Manifest {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly annotations: { readonly 'checksum/config': string } }
      readonly spec: Pod
    }
  }
}

/**
 * @param kubeVersion a Helm that was built without a release's flags takes itself for Kubernetes 1.20
 * @throws with `stderr`, if Helm refuses the values
 */
export async function renderChart(
  helm: string,
  options: readonly string[] = [],
  kubeVersion = '1.36.0',
): Promise<RenderedChart> {
  const { stdout } = await execute(helm, ['template', 'logs', CHART, '--kube-version', kubeVersion, ...options])
  const manifests = parseAllDocuments(stdout).map((document) => document.toJS() as Manifest)
  const configMap = manifests.find(({ kind }) => kind === 'ConfigMap') as ConfigMap | undefined
  const daemonSet = manifests.find(({ kind }) => kind === 'DaemonSet') as DaemonSet | undefined
  if (configMap === undefined || daemonSet === undefined) throw new Error('the chart has no ConfigMap or no DaemonSet')
  const { metadata, spec } = daemonSet.spec.template
  const configText = configMap.data['config.yaml']
  return {
    manifests,
    pod: spec,
    checksum: metadata.annotations['checksum/config'],
    configText,
    config: parse(configText) as ChartConfig,
  }
}

/** What `helm install` says at its end. Without a cluster Helm shows it to templates alone, so a copy of the chart has one. */
export async function renderNotes(helm: string): Promise<string> {
  const chart = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-chart-'))
  try {
    await cp(CHART, chart, { recursive: true })
    const template = 'templates/notes.yaml'
    await writeFile(join(chart, template), 'notes: {{ include (print .Template.BasePath "/NOTES.txt") . | quote }}')
    const { stdout } = await execute(helm, ['template', 'logs', chart, '--kube-version', '1.36.0', '-s', template])
    return (parse(stdout) as { notes: string }).notes
  } finally {
    await rm(chart, { recursive: true, force: true })
  }
}
