/**
 * Frees the memory of bytes that nobody reads any more; who reads them all the same finds none. To leave large buffers to
 * the garbage collector is dear: V8 looks through the whole heap for every 64 MB of them, on other threads too, which took
 * a quarter of the daemon's CPU, and each new one is cleared memory fresh from the system.
 *
 * Does nothing to a part of a larger buffer, which may have others in it.
 */
export function freeBytes(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (bytes.length > 0 && buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length) buffer.transfer(0)
}
