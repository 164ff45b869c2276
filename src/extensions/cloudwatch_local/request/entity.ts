import { Input } from './input.ts'

// Names and kinds an entity may have (facts 1.2). Kinds as in Application Signals' KeyAttributes.
const KEY_ATTRIBUTES = ['Type', 'ResourceType', 'Identifier', 'Name', 'Environment']
const TYPES = ['Service', 'AWS::Service', 'RemoteService', 'Resource', 'AWS::Resource']

/**
 * Reads `entity`. Broken limits are left in `input`; an entity that is within them and still makes no sense is
 * rejected for itself while the events are taken.
 * @returns the `errorType` of `rejectedEntityInfo`, or undefined if there is no entity or it is good
 */
export function readEntity(input: Input): string | undefined {
  const sent = input.raw('entity')
  if (sent === undefined) return undefined
  const entity = new Input(sent, 'entity')
  const keys = entity.textMap('keyAttributes', {
    min: 2,
    max: 4,
    key: { min: 1, max: 32 },
    value: { min: 1, max: 512 },
  })
  entity.textMap('attributes', { min: 0, max: 10, key: { min: 1, max: 256 }, value: { min: 1, max: 512 } })
  entity.check()
  if (keys === undefined) return 'MissingRequiredFields'
  if ([...keys.keys()].some((key) => !KEY_ATTRIBUTES.includes(key))) return 'InvalidKeyAttributes'
  const type = keys.get('Type')
  if (type === undefined) return 'MissingRequiredFields'
  return TYPES.includes(type) ? undefined : 'InvalidTypeValue'
}
