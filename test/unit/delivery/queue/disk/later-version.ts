import { readFile, writeFile } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { FORMAT_VERSION, HEADER_BYTES } from '../../../../../src/delivery/queue/disk/format/format.ts'

/** Makes a segment look as if the next version had written it: its header says so, in each copy. */
export async function laterVersion(path: string): Promise<void> {
  const bytes = await readFile(path)
  const half = HEADER_BYTES / 2
  for (const at of [0, half]) {
    bytes.writeUInt32LE(FORMAT_VERSION + 1, at + 8)
    bytes.writeUInt32LE(crc32(bytes.subarray(at, at + half - 4)), at + half - 4)
  }
  await writeFile(path, bytes)
}
