/**
 * The other worker processes of the daemon (`service.workers`), for a component in one of them. Limits of the config are
 * divided among the workers, and a worker publishes faults to the others.
 */
export interface Siblings {
  /** This process's share of the daemon's limits: 1 in a single process. */
  readonly share: number
  /**
   * Ports shared by the siblings, by listener: the port that one got for port 0 is used by the others, and each adds the
   * ports it got. Undefined in a single process.
   */
  readonly ports: Map<string, number> | undefined
  /**
   * Lets one process do some work while the others wait for it. Does not call `work` if another process has just done it.
   * @param work resolves with true if the work is done; if not, or if its process exits, the next one gets its turn
   * @param signal ends the waiting
   */
  once(name: string, work: () => Promise<boolean>, signal: AbortSignal): Promise<void>
  /** Sends news to the listeners of the other processes. */
  publish(news: News): void
  /**
   * Calls the listener at once with the news that the others already have.
   * @returns a function that unsubscribes
   */
  subscribe(listener: (news: News) => void): () => void
}

/** A fault that one process found and that affects the others too. */
export interface News {
  /** Id of the exporter. */
  readonly exporter: string
  /** Name of the account and Region. */
  readonly account: string
  readonly afterMs: number
  readonly message: string
}

/** The siblings of a single process: none. */
export const ALONE: Siblings = {
  share: 1,
  ports: undefined,
  async once(_, work) {
    await work()
  },
  publish() {},
  subscribe: () => () => {},
}
