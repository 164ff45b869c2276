// How long a queue of many segments takes to open, and how much of it is read: 10,000 sealed segments of 16 MiB, sparse
// files with one record each. A script for people, no test:
//   node test/full/durable/many-segments.ts [segments]
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ByteBudget } from '../../../src/component/byte-budget.ts'
import { DiskQueue } from '../../../src/delivery/queue/disk/disk-queue.ts'
import { SegmentIndex } from '../../../src/delivery/queue/disk/format/segment-index.ts'
import { nodeFiles, type OpenFile } from '../../../src/delivery/queue/disk/files/files.ts'
import {
  encodeFooter,
  encodeHeader,
  encodeRecord,
  FORMAT_VERSION,
  HEADER_BYTES,
} from '../../../src/delivery/queue/disk/format/format.ts'
import { segmentName } from '../../../src/delivery/queue/disk/segments/segment.ts'
import { countedBytes } from '../../../src/delivery/contract/items.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { itemBatch } from '../../fakes/items.ts'

const SEGMENT_BYTES = 16 * 1_048_576
const RECORDS_A_SEGMENT = 2_000
const [count = '10000'] = process.argv.slice(2)

async function writeSegment(directory: string, number: number): Promise<void> {
  const firstSequence = 1 + number * RECORDS_A_SEGMENT
  const header = { version: FORMAT_VERSION, salt: number, firstSequence, number }
  const items = itemBatch([{ text: `record ${number}` }])
  const payload = { lane: 'group:stream', own: false, id: firstSequence, queuedAtMs: Date.now(), items }
  const record = Buffer.concat(encodeRecord(header.salt, firstSequence, payload))
  const entry = {
    sequence: firstSequence,
    id: firstSequence,
    offset: HEADER_BYTES,
    length: record.length,
    lane: payload.lane,
    own: payload.own,
    queuedAtMs: payload.queuedAtMs,
    items: items.count,
    countedBytes: countedBytes(items),
  }
  const file = await open(join(directory, segmentName(number)), 'w')
  await file.write(encodeHeader(header), 0, HEADER_BYTES, 0)
  await file.write(record, 0, record.length, HEADER_BYTES)
  const footer = encodeFooter(header, SEGMENT_BYTES, SegmentIndex.of([entry]))
  await file.write(footer, 0, footer.length, SEGMENT_BYTES)
  await file.close()
}

const directory = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-segments-'))
try {
  for (let number = 1; number <= Number(count); number++) await writeSegment(directory, number)
  let bytesRead = 0
  const files = {
    ...nodeFiles,
    async open(path: string, flags: 'r' | 'wx+'): Promise<OpenFile> {
      const file = await nodeFiles.open(path, flags)
      const read = file.read.bind(file)
      file.read = async (position, length) => {
        const bytes = await read(position, length)
        bytesRead += bytes.length
        return bytes
      }
      return file
    },
  }
  const options = {
    directory,
    capacityBytes: 2 ** 50,
    segmentBytes: SEGMENT_BYTES,
    memoryBytes: 32 * 1_048_576,
    fsync: true,
    bound: undefined,
    files,
  }
  const owner = { counters: () => ({}), restore() {}, lost() {}, fatal() {} }
  const memory = process.memoryUsage().rss
  const queue = new DiskQueue(options, owner, new ByteBudget(256 * 1_048_576), silentLogger)
  const began = performance.now()
  const found = await queue.recover()
  const ms = Math.round(performance.now() - began)
  const grown = Math.round((process.memoryUsage().rss - memory) / 1_048_576)
  process.stdout.write(
    `${count} segments of 16 MiB: opened in ${ms} ms, ${bytesRead} bytes read (${Math.round(bytesRead / Number(count))} a segment), ` +
      `${found.length} batches found, ${grown} MiB more memory\n`,
  )
  await queue.close()
} finally {
  await rm(directory, { recursive: true })
}
