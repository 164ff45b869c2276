import { execFile } from 'node:child_process'
import { stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { runToEnd } from '../../integration/daemon/daemon.ts'
import { GO_INSTALL_TIMEOUT_MS, goTools } from '../go-tools.ts'
import { CHART, type Container, type RenderedChart, renderChart, renderNotes } from './helm-chart.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'

const execute = promisify(execFile)

const go = await goTools()

describe.skipIf(go.missing !== undefined)(`the chart ${go.missing ?? ''}`, () => {
  let helm = ''
  beforeAll(async () => {
    helm = await go.install('helm')
  }, GO_INSTALL_TIMEOUT_MS)

  /** @param values as `--set` */
  function render(...values: readonly string[]): Promise<RenderedChart> {
    return renderChart(helm, set(values))
  }

  test.each([['emptyDir'], ['hostPath'], ['none']])('passes helm lint --strict with storage %s', async (type) => {
    const { stdout } = await execute(helm, ['lint', '--strict', CHART, '--set', `storage.type=${type}`])
    expect(stdout).toContain('0 chart(s) failed')
  })

  test.each(['1.28.0', '1.36.0'])('renders for Kubernetes %s', async (kubeVersion) => {
    const { manifests } = await renderChart(helm, [], kubeVersion)
    expect(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted()).toEqual([
      'ConfigMap logs-otlp-cloudwatch',
      'DaemonSet logs-otlp-cloudwatch',
      'Service logs-otlp-cloudwatch',
      'ServiceAccount logs-otlp-cloudwatch',
    ])
  })

  test.each([
    ['a value that it does not know', 'imagePullPolicy=Always', 'imagePullPolicy'],
    ['a storage of another type', 'storage.type=pvc', '/storage/type'],
    ['a storage with a key that it does not know', 'storage.path=/x', "'path' not allowed"],
    ['a size that the kubelet would read otherwise', 'storage.size=2G', '/storage/size'],
    ['a storage that holds the dead letters and no queue', 'storage.size=767Mi', 'write at least 768Mi'],
    ['a second place for the queues', 'config.extensions.file_storage.directory=/x', 'follows from `storage`'],
    ['a second size of the queues', 'config.extensions.file_storage.max_size=1GiB', 'follows from `storage`'],
    [
      'dead letters whose size it cannot add up',
      'config.exporters.awscloudwatchlogs.dead_letters.max_size=1GB',
      'config.exporters.awscloudwatchlogs.dead_letters.max_size: 1GB',
    ],
    [
      'to kill a pod while it drains',
      'terminationGracePeriodSeconds=25',
      'not longer than config.service.shutdown_timeout',
    ],
    ['a drain longer than the pod has', 'config.service.shutdown_timeout=0m30.5s', 'terminationGracePeriodSeconds: 30'],
  ])('refuses %s', async (_, value, says) => {
    await expect(render(value)).rejects.toMatchObject({ stderr: expect.stringContaining(says) })
  })

  test.each([
    ['its own values', []],
    ['a queue on the node', ['storage.type=hostPath']],
    ['queues in memory', ['storage.type=none']],
    ['another group', ['config.exporters.awscloudwatchlogs.log_group_name=/cluster/{k8s.namespace.name}']],
    [
      'certificates from a Secret',
      [
        'config.receivers.otlp.protocols.grpc.tls.cert_file=/etc/otlp-cloudwatch-tls/tls.crt',
        'config.receivers.otlp.protocols.grpc.tls.key_file=/etc/otlp-cloudwatch-tls/tls.key',
      ],
    ],
  ])('its config is one that the daemon runs: %s', async (_, values) => {
    const { configText } = await render(...values)
    expect(await validate(configText)).toMatchObject({ code: 0, stderr: '' })
  })

  test.each([
    ['emptyDir', { emptyDir: { sizeLimit: '2Gi' } }],
    [
      'hostPath',
      { hostPath: { path: '/var/lib/otlp-cloudwatch/default/logs-otlp-cloudwatch', type: 'DirectoryOrCreate' } },
    ],
  ])('keeps queues on the volume of storage %s, and writes nowhere else', async (type, volume) => {
    const { pod, config } = await render(`storage.type=${type}`)
    expect(config.exporters['awscloudwatchlogs']?.sending_queue).toEqual({ storage: 'file_storage' })
    expect(config.service.extensions).toEqual(['health_check', 'file_storage'])
    const writable = writableMounts(pod.containers[0])
    expect(writable.map(({ mountPath }) => mountPath)).toEqual([config.extensions.file_storage?.directory])
    expect(pod.volumes).toContainEqual({ name: writable[0]?.name, ...volume })
  })

  test('writes nowhere with storage none', async () => {
    const { pod, config } = await render('storage.type=none')
    expect(writableMounts(pod.containers[0])).toEqual([])
    expect(pod.volumes.map(({ name }) => name)).toEqual(['config'])
    expect(config.exporters['awscloudwatchlogs']).not.toHaveProperty('sending_queue')
    expect(config.service.extensions).toEqual(['health_check'])
  })

  test.each([
    ['one', { sizeMiB: 2048, lettersMiB: 256, queues: 1, processes: 1 }, []],
    [
      'one with many dead letters',
      { sizeMiB: 2048, lettersMiB: 1024, queues: 1, processes: 1 },
      ['config.exporters.awscloudwatchlogs.dead_letters.max_size=1GiB'],
    ],
    [
      'two in three processes',
      { sizeMiB: 8192, lettersMiB: 512, queues: 2, processes: 3 },
      ['storage.size=8Gi', 'config.service.workers=3', ...exporter('audit', {})],
    ],
  ])('queues, and what lies beside them, fit into the volume: %s', async (_, expected, values) => {
    const { sizeMiB, lettersMiB, queues, processes } = expected
    const { config } = await render(...values)
    const most = Number(/^(\d+)MiB$/.exec(config.extensions.file_storage?.max_size ?? '')?.[1])
    // Of each process: the segment that is written and one that is moved (16 MiB each), 8 damaged ones, and journals of
    // three times what counts; of its dead letters the same, in segments of 4 MiB.
    const besideMiB = 2 * 16 + 8 * 16 + 24 + 2 * 4 + 8 * 4 + 12
    expect(queues * (most + processes * besideMiB) + lettersMiB).toBeLessThanOrEqual(sizeMiB)
    expect(queues * most, 'much of it is used').toBeGreaterThan(sizeMiB / 3)
  })

  test('every exporter to CloudWatch that answers before CloudWatch does has its queue on disk', async () => {
    const { config, configText } = await render(
      ...exporter('audit', { num_consumers: 3 }),
      ...exporter('sync', { enabled: false }),
      'config.exporters.debug.verbosity=basic',
    )
    expect(config.exporters).toMatchObject({
      awscloudwatchlogs: { sending_queue: { storage: 'file_storage' } },
      'awscloudwatchlogs/audit': { sending_queue: { num_consumers: 3, storage: 'file_storage' } },
      'awscloudwatchlogs/sync': { sending_queue: { enabled: false } },
    })
    expect(config.exporters['awscloudwatchlogs/sync']?.sending_queue).not.toHaveProperty('storage')
    expect(config.exporters['debug']).toEqual({ verbosity: 'basic' })
    expect(await validate(configText)).toMatchObject({ code: 0, stderr: '' })
  })

  test('its notes explain how log groups and streams are named', async () => {
    const { env } = parse(/^ *env:\n(?: {4}.*\n)+/m.exec(await renderNotes(helm))?.[0] ?? '') as { env: EnvVar[] }
    const at = env.findIndex(({ name }) => name === 'OTEL_RESOURCE_ATTRIBUTES')
    // Kubernetes fills in what was defined before.
    const fields = new Map(env.slice(0, at).map(({ name, valueFrom }) => [`$(${name})`, valueFrom?.fieldRef.fieldPath]))
    const said = (env[at]?.value ?? '').split(',').map((pair) => pair.split('=') as [key: string, value: string])
    expect(said.map(([key, value]) => [key, fields.get(value)])).toEqual([
      ['k8s.namespace.name', 'metadata.namespace'],
      ['k8s.pod.name', 'metadata.name'],
    ])
    const wanted = JSON.stringify((await render()).config.exporters).matchAll(/\{([\w.]+)\}/g)
    expect([...wanted].map(([, name]) => name)).toEqual(said.map(([key]) => key))
  })

  test('pods run what the image runs, with its limit of the heap', async () => {
    const { pod } = await render()
    expect(JSON.stringify(pod.containers)).not.toMatch(/"command"|NODE_OPTIONS/)
  })

  test('pods are replaced when their storage changes', async () => {
    const [before, after] = [await render(), await render('storage.size=4Gi')]
    expect(after.checksum).not.toBe(before.checksum)
  })

  describe('the directory on the node', () => {
    test('is handed to the daemon’s user by a container that can do nothing else', async () => {
      const { pod, config } = await render('storage.type=hostPath')
      expect(pod.initContainers).toHaveLength(1)
      const [init] = pod.initContainers as [Container]
      expect(writableMounts(init).map(({ mountPath }) => mountPath)).toEqual([
        config.extensions.file_storage?.directory,
      ])
      expect(init.securityContext).toEqual({
        runAsNonRoot: false,
        runAsUser: 0,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'], add: ['CHOWN'] },
      })
    })

    test('already belongs to the daemon where the nodes provide it', async () => {
      const { pod } = await render('storage.type=hostPath', 'storage.chown=false')
      expect(pod).not.toHaveProperty('initContainers')
    })

    test.skipIf(process.getuid?.() !== 0)('is handed over with Node, which the image has', async () => {
      const { pod, config } = await render('storage.type=hostPath')
      const [program, ...args] = pod.initContainers?.[0]?.command ?? []
      expect(program).toBe('/nodejs/bin/node')
      const folder = await temporaryFolder()
      await execute(
        process.execPath,
        args.map((arg) => arg.replace(config.extensions.file_storage?.directory ?? '', folder)),
      )
      const { uid, gid } = await stat(folder)
      expect({ runAsUser: uid, runAsGroup: gid }).toMatchObject({ runAsUser: 65532, runAsGroup: 65532 })
      expect(pod).toMatchObject({ securityContext: { runAsUser: uid, runAsGroup: gid } })
    })
  })

  test('brings Secrets in as files and as variables', async () => {
    const { pod } = await render(
      'extraVolumes[0].name=tls',
      'extraVolumes[0].secret.secretName=logs-tls',
      'extraVolumeMounts[0].name=tls',
      'extraVolumeMounts[0].mountPath=/etc/otlp-cloudwatch-tls',
      'extraVolumeMounts[0].readOnly=true',
      'extraEnvFrom[0].secretRef.name=logs-passwords',
    )
    const [container] = pod.containers
    expect(pod.volumes).toContainEqual({ name: 'tls', secret: { secretName: 'logs-tls' } })
    expect(container.volumeMounts).toContainEqual({
      name: 'tls',
      mountPath: '/etc/otlp-cloudwatch-tls',
      readOnly: true,
    })
    expect(container.envFrom).toEqual([{ secretRef: { name: 'logs-passwords' } }])
  })
})

interface EnvVar {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } }
}

function set(values: readonly string[]): string[] {
  return values.flatMap((value) => ['--set', value.replaceAll(/[{}]/g, String.raw`\$&`)])
}

/** Values of one more exporter, in a pipeline of its own. */
function exporter(name: string, queue: Readonly<Record<string, unknown>>): string[] {
  const id = `awscloudwatchlogs/${name}`
  return [
    `config.exporters.${id}.log_group_name=/${name}`,
    `config.exporters.${id}.log_stream_name=all`,
    ...Object.entries(queue).map(([key, value]) => `config.exporters.${id}.sending_queue.${key}=${String(value)}`),
    `config.service.pipelines.logs/${name}.receivers[0]=otlp`,
    `config.service.pipelines.logs/${name}.exporters[0]=${id}`,
  ]
}

/** Whose root is read-only, or nothing of this would mean anything. */
function writableMounts({ securityContext, volumeMounts }: Container): Container['volumeMounts'] {
  expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false })
  return volumeMounts.filter(({ readOnly }) => readOnly !== true)
}

async function validate(config: string): Promise<{ code: number | null; stderr: string }> {
  const file = join(await temporaryFolder(), 'config.yaml')
  await writeFile(file, config)
  // What the chart leaves to the machine.
  const directory = config.includes('file_storage') ? [`--set=extensions.file_storage.directory=${dirname(file)}`] : []
  return runToEnd(['validate', '--config', file, ...directory], { env: { AWS_REGION: 'us-east-1' } })
}
