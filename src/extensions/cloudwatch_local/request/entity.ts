import { Input } from './input.ts'

// Allowed names and types of an entity (facts 1.2). Types as in Application Signals' KeyAttributes.
const KEY_ATTRIBUTES = ['Type', 'ResourceType', 'Identifier', 'Name', 'Environment']
const TYPES = ['Service', 'AWS::Service', 'RemoteService', 'Resource', 'AWS::Resource']

/**
 * Reads `entity`. Broken limits are collected in `input`; an invalid entity within the limits is rejected by itself, while the
 * events are accepted.
 * @returns the `errorType` of `rejectedEntityInfo`; undefined if the entity is absent or valid
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
