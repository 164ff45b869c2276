import type { LogsRequest } from '../../component/consumer.ts'
import type { HttpRequest } from '../../listen/http/body.ts'

/** Headers without HTTP/2's pseudo headers. */
export function metadataOf(request: HttpRequest): LogsRequest['metadata'] {
  const metadata = new Map<string, string[]>()
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = (request.rawHeaders[at] ?? '').toLowerCase()
    const value = request.rawHeaders[at + 1] ?? ''
    if (name.startsWith(':')) continue
    const values = metadata.get(name)
    if (values === undefined) metadata.set(name, [value])
    else values.push(value)
  }
  return metadata
}
