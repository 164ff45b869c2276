import { createReadStream } from 'node:fs'
import process from 'node:process'
import { addAbortSignal, type Readable } from 'node:stream'

/** The default receive limit of the `otlp` receiver, bytes: no larger request reaches a pipeline. */
const MAX_INPUT_BYTES = 64 * 1_048_576

export type InputRead =
  | { readonly kind: 'read'; readonly bytes: Buffer }
  | { readonly kind: 'failed'; readonly message: string }

/** Reads a file, or stdin for `-` or undefined. */
export async function readInput(file: string | undefined, signal: AbortSignal): Promise<InputRead> {
  const isStdin = file === undefined || file === '-'
  if (isStdin && process.stdin.isTTY)
    return failed('FILE: stdin is a terminal: write the name of a file with OTLP logs, or pipe them in')
  const stream: Readable = isStdin ? process.stdin : createReadStream(file)
  addAbortSignal(signal, stream)
  const name = isStdin ? 'stdin' : file
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of stream) {
      const bytes = chunk as Buffer
      size += bytes.length
      if (size > MAX_INPUT_BYTES)
        return failed(
          `FILE: ${name} has over ${MAX_INPUT_BYTES} bytes, the default limit of a request: write a part of it`,
        )
      chunks.push(bytes)
    }
  } catch (error) {
    if (signal.aborted) return failed('stopped')
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    const advice = code === 'ENOENT' ? 'write the name of a file, or - for stdin' : 'write a file that can be read'
    return failed(`FILE: ${JSON.stringify(name)} cannot be read (${message}): ${advice}`)
  }
  if (size === 0) return failed(`FILE: ${name} is empty: write OTLP logs in JSON or protobuf, or lines of text`)
  return { kind: 'read', bytes: Buffer.concat(chunks) }
}

function failed(message: string): InputRead {
  return { kind: 'failed', message }
}
