/** Where a test may have the process die, as by `kill -9`. */
export type CrashPoint =
  | 'after_write' // records are written, not yet synced
  | 'after_sync' // records are synced, nobody is told yet
  | 'seal' // a segment has its index
  | 'roll' // a new segment is there and empty
  | 'unlink' // a segment that was done is gone
  | 'acknowledgement' // settlements are written
  | 'snapshot' // a new journal is there, the one before is too
  | 'relocation' // records stand in two segments

const CRASH_AT = process.env['OTLP_CLOUDWATCH_CRASH_AT']

/** Does nothing unless the environment says `OTLP_CLOUDWATCH_CRASH_AT` and names this point. */
export function crashPoint(point: CrashPoint): void {
  if (point === CRASH_AT) process.kill(process.pid, 'SIGKILL')
}
