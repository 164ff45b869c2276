import type { Config } from '../config.ts'
import { nameTemplates } from './destination-rules.ts'
import { literalPrefix } from '../route/template.ts'

/** What an operator should know of a config that is allowed, one sentence each. */
export function warnings(config: Config): string[] {
  const found: string[] = []
  if (config.no_verify_ssl) found.push('no_verify_ssl: the certificate of the endpoint is not checked')
  if (config.allowed_log_groups === undefined && literalPrefix(nameTemplates(config).group) === '')
    found.push(
      'log_group_name begins with a placeholder, so clients choose any group: write allowed_log_groups to bound them',
    )
  if (config.raw_log && !config.route_from_body)
    found.push(
      'raw_log: a body that names a group (_aws.LogGroupName) is not followed: write route_from_body to allow it',
    )
  if (!config.sending_queue.enabled && config.sending_queue.storage !== undefined)
    found.push(
      'sending_queue.enabled is false: records are kept in its storage all the same, until CloudWatch has them',
    )
  return found
}
