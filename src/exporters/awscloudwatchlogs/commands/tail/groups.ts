import type { Config } from '../../config.ts'

/** Returns the groups that an exporter writes to, as far as its template tells: `/eks/*` for `/eks/{namespace}`. */
export function groupsOf({ log_group_name: template }: Pick<Config, 'log_group_name'>): string | undefined {
  const literal = template.split('{', 1)[0] ?? ''
  if (literal === '' || literal === '-') return undefined
  return literal === template ? template : `${literal}*`
}
