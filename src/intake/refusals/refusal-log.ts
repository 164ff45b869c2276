import type { Refused, RefusedCause, Retry, RetryCause } from '../../accounting/outcome.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { ConnectionReason, RequestReason, TransportCounters } from '../counters.ts'

/** ms in which refusals of one kind make one line: the log may be billed, and a broken sender retries for days. */
const WINDOW_MS = 60_000

/** Refusals of one kind since the last line about them. */
interface Window {
  count: number
  /** A sample: one of the senders, and what to change there. */
  sender: string
  advice: string
}

/**
 * Counts refusals by reason and logs them: the first refusal of a kind at once, the others once a minute as one line, with
 * the address of one sender and what to change there. The number of kinds is fixed and small.
 */
export class RefusalLog {
  readonly #transport: string
  readonly #counters: TransportCounters
  readonly #logger: Logger
  readonly #windows = new Map<string, Window>()
  #timer: NodeJS.Timeout | undefined

  constructor(transport: 'grpc' | 'http', counters: TransportCounters, logger: Logger) {
    this.#transport = transport
    this.#counters = counters
    this.#logger = logger
  }

  /**
   * Notes a request that is refused with an outcome, whose `message` is the advice.
   * @param bytes announced, or received so far
   * @param variant a variant of the reason, from a closed list
   */
  outcome({ cause, message }: Retry | Refused, sender: string | undefined, bytes: number, variant = ''): void {
    this.request(cause, message, sender, bytes, variant)
  }

  request(
    reason: RetryCause | RefusedCause | RequestReason,
    advice: string,
    sender: string | undefined,
    bytes: number,
    variant = '',
  ): void {
    this.#counters.requestsRefused[reason]++
    this.#counters.bytesRefused[reason] += bytes
    this.#note(reason, advice, sender, variant)
  }

  /** Notes a request that a pipeline refused; Forward has counted it. */
  byPipeline({ cause, message }: Retry | Refused, sender: string | undefined): void {
    this.#note(cause, message, sender, '')
  }

  /** Notes a connection that is closed before its first request. */
  connection(reason: ConnectionReason, advice: string, sender: string | undefined): void {
    this.#counters.connectionsRefused[reason]++
    this.#note(reason, advice, sender, '')
  }

  /** Logs what was counted since the last lines. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const [kind, window] of this.#windows) if (window.count > 0) this.#write(kind, window)
    this.#windows.clear()
  }

  #note(reason: string, advice: string, address: string | undefined, variant: string): void {
    const kind = variant === '' ? reason : `${reason} ${variant}`
    const sender = addressText(address)
    const open = this.#windows.get(kind)
    if (open !== undefined) {
      open.count++
      open.sender = sender
      open.advice = advice
      return
    }
    this.#write(kind, { count: 1, sender, advice })
    this.#windows.set(kind, { count: 0, sender, advice })
    this.#timer ??= setTimeout(() => this.#closeWindows(), WINDOW_MS).unref()
  }

  #closeWindows(): void {
    this.#timer = undefined
    for (const [kind, window] of this.#windows) {
      if (window.count === 0) this.#windows.delete(kind)
      else this.#write(kind, window)
      window.count = 0
    }
    if (this.#windows.size > 0) this.#timer = setTimeout(() => this.#closeWindows(), WINDOW_MS).unref()
  }

  #write(kind: string, { count, sender, advice }: Window): void {
    const [reason = kind] = kind.split(' ', 1)
    const senders = count === 1 ? sender : `${count} times since the last line, most recently ${sender}`
    this.#logger.warn(`refused ${senders}: ${advice}`, { transport: this.#transport, reason, refused: count })
  }
}

/** An address for the log: IPv4 in dotted form, without the port, which differs each time. */
export function addressText(address: string | undefined): string {
  if (address === undefined || address === '') return 'a sender'
  return `the sender at ${address.replace(/^::ffff:(?=\d+\.)/, '')}`
}
