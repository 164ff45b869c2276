// What an outage needs: the options, a CloudWatch whose streams exist, and the daemon's config in the proportions of the chart's pod.
import { onTestFinished } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import type { DaemonOptions } from '../daemon/daemon.ts'
import { idOf, streamName } from './outage-load.ts'

export const MEBIBYTE = 1024 * 1024
/** MiB of memory of the chart's pod (helm/otlp-cloudwatch/values.yaml), and the shares of it that the image and the daemon give. */
export const POD_MIB = 512
export const POD_HEAP_MIB = 128
const POD_BUDGET_MIB = 204
/** `/test/{service.name}` would be a group for each stream. */
const GROUP = '/outage'
export interface OutageOptions {
  readonly streams: number
  /** `gone`: the port is closed. `503`: answers so. `silent`: takes calls and does not answer. Default `gone`. */
  readonly fault?: 'gone' | '503' | 'silent'
  /** MiB of the queue on disk. */
  readonly diskMib?: number
  /** Of the dead letters on disk. Default: the exporter's. */
  readonly lettersMib?: number
  /** Every n-th record is too old for CloudWatch. */
  readonly lateEvery?: number
  /** Times the daemon is killed and started again while CloudWatch is down. */
  readonly kills?: number
  readonly heapMib?: number
  readonly budgetMib?: number
  /** The outage ends once nothing has been acknowledged for so long… */
  readonly refusedMs: number
  /** …and this many times the acknowledged records have been offered. Default 3. */
  readonly offeredTimes?: number
  /** The outage lasts so long at least. Default 0. */
  readonly minimumMs?: number
  readonly exporter?: object
  /** Runs the daemon some other way, which sets its heap and its budget. Kills are not possible then. */
  readonly container?: Container
}

export interface Container {
  /** @param directory of the storage, which the daemon has to be able to write */
  options(directory: string): Promise<DaemonOptions>
  /** The daemon's own process. */
  pid(): Promise<number>
  /** Figures of the container's own, for the line that is printed. */
  figures(): Promise<object>
}

/** A local CloudWatch with a group and streams, which knows how often each record came. */
export async function startOutageCloudWatch(
  streams: number,
  arrived: (ids: readonly number[], put: { readonly stream: string; readonly oldestMs: number }) => void,
): Promise<CloudWatchLocal> {
  const local = await startCloudWatchLocal({
    maxBytes: 4 * MEBIBYTE,
    keepCalls: 0,
    quotas: false,
    onStored: ({ stream, events }) =>
      arrived(
        events.map(({ message }) => idOf(message)),
        { stream: stream.name, oldestMs: Date.now() - (events[0]?.timestamp ?? 0) },
      ),
  })
  onTestFinished(() => local.close())
  const group = local.store.createGroup({ name: GROUP, creationTime: Date.now() })
  for (let index = 0; index < streams; index++) local.store.createStream(group, streamName(index), Date.now())
  return local
}

export function outageConfig(
  endpoint: string,
  { budgetMib = POD_BUDGET_MIB, diskMib, lettersMib, exporter, container }: Partial<OutageOptions>,
  directory: string,
): object {
  const base = cloudwatchConfig(endpoint, {
    processors: container === undefined ? { memory_limiter: { check_interval: '1s', limit_mib: budgetMib } } : {},
    exporter: {
      log_group_name: GROUP,
      log_stream_name: '{service.name}',
      max_new_destinations: 20_000,
      // The default of 30 s would be most of the time that a short outage takes.
      retry_on_failure: { max_interval: '2s' },
      ...(diskMib !== undefined && { sending_queue: { storage: 'file_storage' } }),
      ...(lettersMib !== undefined && { dead_letters: { max_size: `${lettersMib}MiB` } }),
      ...exporter,
    },
  }) as { extensions: object; service: { extensions: readonly string[] } }
  if (diskMib === undefined) return base
  return {
    ...base,
    extensions: { ...base.extensions, file_storage: { directory, max_size: `${diskMib}MiB` } },
    service: { ...base.service, extensions: [...base.service.extensions, 'file_storage'] },
  }
}

export async function outageDirectory(): Promise<string> {
  const directory = await temporaryFolder()
  return directory
}
