import * as z from 'zod'

// The kinds of values in a collector config. Each parses the YAML form and returns the form for the code;
// `z.toJSONSchema({ io: 'input' })` sees the YAML form.

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}
const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/

/** A Go duration (`200ms`, `1m30s`, `0`), as ms. */
export function duration() {
  const error = (issue: { readonly input?: unknown }) =>
    `${JSON.stringify(issue.input)} is not a duration: write a number and a unit, such as 200ms, 5s or 1m30s`
  return z
    .union([z.string(), z.literal(0)], { error })
    .refine((text) => text === 0 || text === '0' || DURATION.test(text), { error })
    .transform((text) => parseDurationMs(String(text)))
}

function parseDurationMs(text: string): number {
  let ms = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    ms += Number(amount) * (DURATION_UNITS_MS[unit ?? ''] ?? Number.NaN)
  }
  return ms
}

/** A time in seconds, as a number (`5`, `0.5`) or as a duration (`5s`), as ms. More than 0. */
export function seconds() {
  const error = (issue: { readonly input?: unknown }) =>
    `${JSON.stringify(issue.input)} is not a time above 0: write seconds, such as 5 or 0.5, or a duration, such as 500ms`
  return z
    .union([z.number(), z.string()], { error })
    .refine((value) => (typeof value === 'number' ? value > 0 : DURATION.test(value) && parseDurationMs(value) > 0), {
      error,
    })
    .transform((value) => (typeof value === 'number' ? value * 1_000 : parseDurationMs(value)))
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}
const SIZE = /^(\d+(?:\.\d+)?)\s*(|B|KB|MB|GB|KiB|MiB|GiB)$/

/** A number of bytes: `1048576`, `5MiB`, `20MB`. */
export function size() {
  const error = (issue: { readonly input?: unknown }) =>
    `${JSON.stringify(issue.input)} is not a size: write bytes or a number and a unit, such as 512KiB or 64MiB`
  return z
    .union([z.int().nonnegative(), z.string()], { error })
    .refine((value) => typeof value === 'number' || SIZE.test(value), { error })
    .transform((value) => {
      if (typeof value === 'number') return value
      const match = SIZE.exec(value)
      return Math.round(Number(match?.[1]) * (SIZE_UNITS[match?.[2] ?? ''] ?? Number.NaN))
    })
}

// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/
/** Returns whether a string has a line break or another control character, which headers and paths cannot have. */
export function hasControl(text: string): boolean {
  return CONTROL.test(text)
}

const ONE_LINE = 'has a line break or another control character in it: write the value alone, on one line'

/**
 * A string on one line. White space around it is removed: values from a Kubernetes Secret or a file often end with a line
 * break.
 */
export function line() {
  return z
    .string()
    .trim()
    .refine((text) => !hasControl(text), ONE_LINE)
}

/** A string on one line that is never shown or logged. */
export function secretLine() {
  return line().meta({ secret: true })
}

/** The path of a file or directory. Only a shell would expand `~` and `$HOME`. */
export function path() {
  return line().superRefine((text, context) => {
    if (/^[~$]/.test(text))
      context.addIssue({
        code: 'custom',
        message: `${JSON.stringify(text)} is not expanded here: write the whole path, or \${env:HOME} for the home directory`,
      })
  })
}

/** A string that `print-config` shows as `[REDACTED]` and that is never logged. */
export function secret() {
  return z.string().meta({ secret: true })
}

/** The id of an extension, such as `file_storage/queues`, that must be defined and in `service.extensions`. */
export function extension() {
  return z.string().min(1).meta({ reference: 'extension' })
}

/** A key of the Go collector that is accepted without effect; if it is written, the reason is logged once at start. */
export function acceptedWithoutEffect<T extends z.ZodType>(schema: T, reason: string) {
  return schema.optional().meta({ status: 'accepted', reason })
}

/**
 * A key of the Go collector that does not work here yet. Writing it is a config error: an option that is silently ignored
 * may lose data.
 * @param instead what to write, or do, until then
 */
export function notYet<T extends z.ZodType>(schema: T, instead: string) {
  return schema
    .optional()
    .refine((value) => value === undefined, { error: `is not supported yet: ${instead}` })
    .meta({ status: 'later', reason: instead })
}
