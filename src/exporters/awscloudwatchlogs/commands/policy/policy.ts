import { refuse } from '../host.ts'
import { type CommandHost, defineComponentCommand } from '../../../../component/command.ts'
import type { Config } from '../../config.ts'
import { findExporters } from '../find-exporters.ts'
import { policiesFor } from './policies.ts'

/** Characters of a managed policy, white space not counted (IAM and STS quotas). */
const MAX_POLICY_CHARACTERS = 6_144

export const command = defineComponentCommand({
  description: `Prints the least IAM policy with which the config works, as JSON. Calls nothing.

It allows the actions that the config uses, on the log groups and streams that its names can make. The account is that of
role_arn or --account, the Region that of the exporter, of AWS_REGION or --region; what is not known is *. With one identity
it prints the policy itself. With several (role_arn, profile, credentials), a list of {identity, policy}: the identity that
assumes a role gets sts:AssumeRole, and the role the rest.`,
  options: {
    account: {
      type: 'string',
      value: 'ID',
      description: 'the account of the log groups; default: that of role_arn, else *',
    },
    region: { type: 'string', value: 'REGION', description: 'in place of that of the config' },
    exporter: { type: 'string', value: 'ID', description: 'only this exporter' },
    doctor: { type: 'boolean', description: 'with what doctor needs to write, read and delete its canary event' },
  },
  async run({ account, region, exporter, doctor }, host) {
    if (account !== undefined && !/^\d{12}$/.test(account))
      return refuse(`--account: ${JSON.stringify(account)} is not an account id: write its 12 digits`, host)
    if (region !== undefined && !/^[a-z]{2,4}(?:-[a-z]+)+-\d+$/.test(region))
      return refuse(`--region: ${JSON.stringify(region)} is not a Region: write one such as eu-central-1`, host)
    const exporters = await findExporters(exporter, host)
    if (exporters === undefined) return 2
    const policies = policiesFor(exporters, { env: host.env, account, region, withDoctor: doctor === true })
    const [first, ...others] = policies
    const shown = others.length === 0 ? first?.policy : policies
    host.out(`${JSON.stringify(shown, undefined, 2)}\n`)
    for (const { config } of exporters) noteTrust(config as Config, host)
    for (const { identity, policy } of policies) {
      const characters = JSON.stringify(policy).length
      if (characters > MAX_POLICY_CHARACTERS)
        host.err(
          `The policy of ${identity} has ${characters} characters; a managed policy has at most ${MAX_POLICY_CHARACTERS}: write fewer allowed_log_groups, or split it\n`,
        )
    }
    return 0
  },
})

function noteTrust({ role_arn: role, external_id: id }: Config, { err }: CommandHost): void {
  if (role === '') return
  const condition = id === '' ? '' : `, with the external id of the config as sts:ExternalId`
  err(`The trust policy of ${role} must allow sts:AssumeRole to the identity that assumes it${condition}.\n`)
}
