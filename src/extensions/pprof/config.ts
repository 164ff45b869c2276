import * as z from 'zod'
import { acceptedWithoutEffect } from '../../config/schema/fields.ts'

const unused = (description: string) =>
  acceptedWithoutEffect(z.unknown(), 'it profiles the Go runtime; start node with --cpu-prof').describe(description)

/** The collector's keys; none has an effect. */
export const pprofConfigSchema = z.strictObject({
  endpoint: unused('Address that serves profiles.'),
  dialer: unused('How the socket is opened.'),
  block_profile_fraction: unused('Fraction of blocking events to profile.'),
  mutex_profile_fraction: unused('Fraction of mutex contentions to profile.'),
  save_to_file: unused('File for a CPU profile of the whole run.'),
})

export type PprofConfig = z.output<typeof pprofConfigSchema>
