/**
 * Frees the memory of bytes that are no longer read; a later read finds an empty buffer. Leaving large buffers to the
 * garbage collector is expensive: V8 scans the whole heap for every 64 MB of them, on other threads too, which took
 * a quarter of the daemon's CPU, and each new buffer is freshly cleared memory from the system.
 *
 * Does nothing to a part of a larger buffer, which others may share.
 */
export function freeBytes(bytes: Uint8Array | Float64Array): void {
  const { buffer, byteLength } = bytes
  if (byteLength > 0 && buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
