import { open, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { ComponentError } from '../../component/component.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Acknowledged } from './acknowledgements.ts'
import { DiskBatch } from './disk-batch.ts'
import { scanSegment, type Scanned } from './scan.ts'
import { Segment, SEGMENT_NAME } from './segment.ts'

export interface Recovered {
  /** Oldest first. */
  readonly segments: readonly Segment[]
  /** Not settled, in the order they were queued. */
  readonly batches: readonly DiskBatch[]
  readonly lastSequence: number
  readonly lastSegment: number
  /** Bytes that were acknowledged and cannot be read. */
  readonly quarantinedBytes: number
}

/**
 * Takes stock of a directory: reads what is there, sets aside what cannot be read, and deletes nothing.
 * @throws ComponentError for a segment of a later version
 */
export async function recover(directory: string, acknowledged: Acknowledged, logger: Logger): Promise<Recovered> {
  const segments: Segment[] = []
  const batches: DiskBatch[] = []
  let lastSequence = 0
  let lastSegment = 0
  let quarantinedBytes = 0
  for (const sequence of acknowledged.done) lastSequence = Math.max(lastSequence, sequence)
  for (const name of (await readdir(directory)).filter((name) => SEGMENT_NAME.test(name)).sort()) {
    const number = Number(SEGMENT_NAME.exec(name)?.[1])
    const path = join(directory, name)
    lastSegment = Math.max(lastSegment, number)
    const scanned = await scan(path)
    if (scanned.kind === 'newer') throw newer(path, scanned.version)
    if (scanned.kind === 'unreadable') {
      await rename(path, `${path}.corrupt`)
      quarantinedBytes += scanned.bytes
      if (scanned.bytes > 0)
        logger.error('a segment of the queue cannot be read and was set aside', {
          file: `${path}.corrupt`,
          bytes: scanned.bytes,
        })
      continue
    }
    quarantinedBytes += scanned.damage?.bytes ?? 0
    report(scanned, path, logger)
    const last = scanned.entries.at(-1)
    const segment = new Segment(
      directory,
      number,
      scanned.header.salt,
      last === undefined ? 0 : last.offset + last.length,
      true,
    )
    segment.damaged = (scanned.damage?.bytes ?? 0) > 0
    for (const entry of scanned.entries) {
      lastSequence = Math.max(lastSequence, entry.sequence)
      if (acknowledged.done.has(entry.sequence)) segment.done.push(entry.sequence)
      else batches.push(takeUp(new DiskBatch(entry, segment, undefined), acknowledged))
    }
    segments.push(segment)
  }
  return { segments, batches, lastSequence, lastSegment, quarantinedBytes }
}

function takeUp(batch: DiskBatch, { parts }: Acknowledged): DiskBatch {
  for (const [from, to] of [...(parts.get(batch.sequence) ?? [])].sort((a, b) => a[0] - b[0])) {
    batch.settled.push([from, to])
    batch.unsettled -= to - from
  }
  batch.segment.add(batch)
  return batch
}

async function scan(path: string): Promise<Scanned> {
  const file = await open(path, 'r')
  try {
    return await scanSegment(file)
  } finally {
    await file.close()
  }
}

function report(scanned: Extract<Scanned, { kind: 'segment' }>, path: string, logger: Logger): void {
  const { damage } = scanned
  if (damage === undefined) return
  if (damage.bytes > 0)
    logger.error('a segment of the queue is damaged: what is whole is delivered, the rest is quarantined', {
      file: path,
      ...damage,
    })
  else
    logger.info('the end of a segment was being written when the process ended, and was not acknowledged', {
      file: path,
      bytes: damage.tornBytes,
    })
}

function newer(path: string, version: number): ComponentError {
  return new ComponentError(
    `${path} has format version ${version}, which this release cannot read: run the release that wrote it, or move the directory away`,
  )
}
