import type { Config } from '../config.ts'
import { literalPrefix, type Template } from '../route/template.ts'

/** Warnings about a valid config, one sentence each. @param group its parsed log_group_name */
export function warnings(config: Config, group: Template): string[] {
  const found: string[] = []
  if (config.no_verify_ssl) found.push('no_verify_ssl: the certificate of the endpoint is not verified')
  if (config.allowed_log_groups === undefined && literalPrefix(group) === '')
    found.push(
      'log_group_name begins with a placeholder, so clients can write any group: write allowed_log_groups to restrict them',
    )
  if (config.raw_log && !config.route_from_body)
    found.push('raw_log: a group named in a body (_aws.LogGroupName) is ignored: write route_from_body to use it')
  if (!config.sending_queue.enabled && config.sending_queue.storage !== undefined)
    found.push('sending_queue.enabled is false: records are still kept in its storage until CloudWatch has them')
  if (config.max_retries !== undefined && config.max_retries > 0)
    found.push(
      config.sending_queue.storage === undefined
        ? 'max_retries has no effect without sending_queue.storage, which has room for dead letters: records are retried; write retry_on_failure.max_elapsed_time to give them up'
        : `max_retries: events of a put that fails ${config.max_retries} times become dead letters: remove it to retry until their age limit`,
    )
  if (!config.create_log_group && (config.log_retention > 0 || config.tags !== undefined))
    found.push('create_log_group is false: log_retention and tags are not set, because no group is created here')
  return found
}
