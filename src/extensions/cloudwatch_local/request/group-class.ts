import type { LogGroup } from '../store/store.ts'
import type { Input } from './input.ts'

const GROUP_CLASSES = ['STANDARD', 'INFREQUENT_ACCESS', 'DELIVERY', 'ESSENTIALS'] as const
/** "If you specify either INFREQUENT_ACCESS or ESSENTIALS, the results include log groups in both." */
const SAME = new Set(['INFREQUENT_ACCESS', 'ESSENTIALS'])

/** Reads `logGroupClass`. */
export function readGroupClass(input: Input): string | undefined {
  return input.text('logGroupClass', { oneOf: GROUP_CLASSES })
}

/** Returns whether a group has the requested class; true if none is requested. */
export function ofClass({ logGroupClass }: LogGroup, asked: string | undefined): boolean {
  return asked === undefined || asked === logGroupClass || (SAME.has(asked) && SAME.has(logGroupClass))
}
