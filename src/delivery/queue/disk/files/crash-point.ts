/** Points at which a test can kill the process, as by `kill -9`. */
export type CrashPoint =
  | 'after_write' // records are written, not yet synced
  | 'after_sync' // records are synced, not yet acknowledged
  | 'seal' // a segment has its index
  | 'roll' // a new segment exists and is empty
  | 'unlink' // a settled segment is removed
  | 'acknowledgement' // settlements are written
  | 'snapshot' // a new journal exists, and so does the previous one
  | 'relocation' // records are in two segments

const CRASH_AT = process.env['OTLP_CLOUDWATCH_CRASH_AT']

/** Kills the process if the environment variable `OTLP_CLOUDWATCH_CRASH_AT` names this point. */
export function crashPoint(point: CrashPoint): void {
  if (point === CRASH_AT) process.kill(process.pid, 'SIGKILL')
}
