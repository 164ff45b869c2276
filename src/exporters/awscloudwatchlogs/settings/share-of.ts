import type { Config } from '../config.ts'

/**
 * The share of one process in an exporter's limits, which the config sets for the daemon as a whole. The minimum is 1 for
 * counts, and a megabyte of dead letters.
 */
export function shareOf(config: Config, share: number): Config {
  if (share === 1) return config
  const part = (whole: number, minimum = 1) => Math.max(minimum, Math.floor(whole * share))
  const { sending_queue: queue, dead_letters: letters } = config
  return {
    ...config,
    max_puts_per_second: config.max_puts_per_second * share,
    max_new_destinations: part(config.max_new_destinations),
    sending_queue: {
      ...queue,
      num_consumers: part(queue.num_consumers),
      ...(queue.queue_size === undefined ? {} : { queue_size: part(queue.queue_size) }),
    },
    dead_letters: { ...letters, max_size: part(letters.max_size, 1_048_576) },
  }
}
