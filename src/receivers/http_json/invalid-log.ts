export type FieldName = 'log_group' | 'log_stream' | 'log_message' | 'level'

/** A body that is JSON, and no logs. The message has the place, the value or its type, and what to write instead. */
export class InvalidLog extends Error {
  override readonly name = 'InvalidLog'
  /** The record in a list or in lines, from 0; undefined for a body of one object. */
  readonly index: number | undefined
  readonly field: FieldName | undefined

  /** @param place of the record, as a prefix of the message; empty for a body of one object */
  constructor(index: number | undefined, field: FieldName | undefined, problem: string, advice: string, place = '') {
    const where = [place, field]
      .filter(Boolean)
      .join('.')
      .replace(/^(line \d+)\./, '$1: ')
    const rule = advice === '' ? problem : `${problem}: ${advice}`
    super(where === '' ? rule : `${where} ${rule}`)
    this.index = index
    this.field = field
  }
}

/** A record for a log group that its sender may not write. */
export class NotPermitted extends Error {
  override readonly name = 'NotPermitted'
}
