import type { Hint } from '../../component/hint.ts'
import { groupsOf } from './commands/tail/groups.ts'
import type { Config } from './config.ts'

/** Returns where events are stored, and the command that prints them. */
export function exporterHints(configs: ReadonlyMap<string, Config>): readonly Hint[] {
  return [...configs].flatMap(([id, config]): Hint[] => {
    const { log_group_name: name, region, endpoint } = config
    const where = endpoint !== '' ? ` at ${endpoint}` : region !== '' ? ` in ${region}` : ''
    const group = groupsOf(config)
    return [
      { about: 'store', text: `${name} in CloudWatch Logs${where}` },
      {
        about: 'read',
        command: 'tail',
        // Without a group, tail asks for one: the template begins with a placeholder.
        options: [...(group === undefined ? ['*'] : []), ...(configs.size > 1 ? ['--exporter', id] : [])],
        withoutConfig: [
          ...(group === undefined ? [] : [group]),
          ...(region === '' ? [] : ['--region', region]),
          ...(endpoint === '' ? [] : ['--endpoint', endpoint]),
        ],
      },
    ]
  })
}
