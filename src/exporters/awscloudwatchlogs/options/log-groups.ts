import * as z from 'zod'
import { line } from '../../../config/schema/fields.ts'
import { MAX_TAGS, RETENTION_DAYS, TAG_KEY, TAG_VALUE } from '../limits.ts'

/** Days of retention that CloudWatch supports. */
export const retention = z.int().refine((days) => (RETENTION_DAYS as readonly number[]).includes(days), {
  error: (issue) =>
    `${String(issue.input)} is not a retention that CloudWatch supports: write one of ${RETENTION_DAYS.join(', ')} (0: never expire)`,
})

export const tags = z
  .record(
    z
      .string()
      .regex(
        TAG_KEY,
        'has characters that are not allowed in a tag key: write 1 to 128 letters, digits, spaces or _ . : / = + - @',
      ),
    z
      .string()
      .regex(
        TAG_VALUE,
        'has characters that are not allowed in a tag value: write up to 256 letters, digits, spaces or _ . : / = + - @',
      ),
  )
  .refine((map) => Object.keys(map).length <= MAX_TAGS, `has more than ${MAX_TAGS} tags, the maximum for a log group`)

const AWS_TAG = /^aws:/i
/** AssociateKmsKey takes no key id and no alias. */
const KMS_KEY_ARN = /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/
/** A rule is tried for each put. */
export const MAX_GROUP_RULES = 100

/** An entry of `log_groups`. */
export const groupRule = z
  .strictObject({
    match: line().min(1).describe('Name of the groups; * is a wildcard.'),
    retention_days: retention.optional().describe('Days to keep events; 0 never expires.'),
    tags: tags
      .refine(
        (map) => !Object.keys(map).some((key) => AWS_TAG.test(key)),
        'has a key that starts with aws:, which AWS reserves: write another key',
      )
      .optional()
      .describe('Tags to add; other tags stay.'),
    kms_key_id: line()
      .regex(KMS_KEY_ARN, 'is not the ARN of a KMS key: write arn:aws:kms:REGION:ACCOUNT:key/ID, not an id or alias')
      .optional()
      .describe('ARN of the KMS key that encrypts new events.'),
    log_group_class: z
      .enum(['STANDARD', 'INFREQUENT_ACCESS'])
      .optional()
      .describe('Class of new groups; an existing group of another class is reported.'),
    deletion_protection: z.boolean().optional().describe('Refuse to delete the group.'),
  })
  .refine((rule) => Object.entries(rule).some(([key, value]) => key !== 'match' && value !== undefined), {
    error: 'sets nothing: write retention_days, tags, kms_key_id, log_group_class or deletion_protection next to match',
  })
