/**
 * The processes of one daemon (`service.workers`), as a component of one of them sees the others. What the config gives
 * to the daemon as a whole is shared out, and what one learns is told to all.
 */
export interface Siblings {
  /** The part of it that is this process's: 1 where it is alone. */
  readonly share: number
  /**
   * Ports on which siblings listen too, by who listens: what one of them got for port 0, the others take, and each adds
   * what it got. Undefined where it is alone, and listens alone.
   */
  readonly ports: Map<string, number> | undefined
  /**
   * Has something done by one process while the others wait for it: `work` is not called where another has just done it.
   * @param work resolves with whether it is done; if not, or if its process dies, the next one has its turn
   * @param signal ends the waiting
   */
  once(name: string, work: () => Promise<boolean>, signal: AbortSignal): Promise<void>
  /** Tells the others, as far as they live and listen. */
  tell(news: News): void
  /**
   * Of what the others know already the listener is told at once.
   * @returns stops listening
   */
  hear(listener: (news: News) => void): () => void
}

/** A fault that one process met, and that the others would meet too. */
export interface News {
  /** Id of the exporter. */
  readonly exporter: string
  /** Name of the account and Region. */
  readonly account: string
  readonly afterMs: number
  readonly message: string
}

/** Of a daemon of one process. */
export const ALONE: Siblings = {
  share: 1,
  ports: undefined,
  async once(_, work) {
    await work()
  },
  tell() {},
  hear: () => () => {},
}
