import type { Config } from '../config.ts'
import { destination, type DestinationRules } from '../route/destination.ts'
import type { ShareOf } from './share-of.ts'
import {
  fillTemplate,
  literalPrefix,
  metadataNames,
  type NameKind,
  parseTemplate,
  type Template,
} from '../route/template.ts'

export interface NameTemplates {
  readonly group: Template
  readonly stream: Template
}

/** The options that use metadata of requests. */
export function metadataUses(config: Config): { readonly key: string; readonly name: string }[] {
  const { group, stream } = nameTemplates(config)
  return [group, stream].flatMap((template) =>
    metadataNames(template).map((name) => ({ key: `log_${template.kind}_name`, name })),
  )
}

export function nameTemplates(config: Config): NameTemplates {
  return { group: template('group', config.log_group_name), stream: template('stream', config.log_stream_name) }
}

function template(kind: NameKind, text: string): Template {
  const parsed = parseTemplate(kind, text)
  // The schema has parsed the same text with the same function.
  if (typeof parsed === 'string') throw new Error(`log_${kind}_name ${parsed}`)
  return parsed
}

/** Limits on destinations that clients may create; by default groups with the prefix of `log_group_name`. */
export function destinationRules(config: Config, group: Template, share: ShareOf): DestinationRules {
  const prefix = literalPrefix(group)
  const single = group.placeholders.length === 0
  const sideGroup = (written: string, name: string) => written || (single ? prefix : `${prefix}${name}`)
  const byTemplate = single ? [fillTemplate(group, [])] : prefix === '' ? [] : [`${prefix}*`]
  const { late_events: late } = config
  return {
    allowedGroups: config.allowed_log_groups ?? byTemplate,
    maxNewAnHour: share.count(config.max_new_destinations),
    late: destination(sideGroup(late.log_group_name, 'late'), late.log_stream_name),
    overflow: destination(sideGroup(config.overflow_log_group_name, 'overflow'), config.overflow_log_stream_name),
  }
}
