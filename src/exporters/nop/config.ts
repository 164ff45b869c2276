import * as z from 'zod'

/** Has no options. */
export const nopConfigSchema = z.strictObject({})

export type NopConfig = z.output<typeof nopConfigSchema>
