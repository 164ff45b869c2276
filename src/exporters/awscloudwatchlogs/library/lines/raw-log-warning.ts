import type { CloudWatchLogsSettings } from '../../settings/resolve.ts'

/** A template is raw_log with a body of the library's own: the warning about groups that are named in bodies does not apply. */
export function withoutRawLogWarning(settings: CloudWatchLogsSettings, hasTemplate: boolean): CloudWatchLogsSettings {
  if (!hasTemplate) return settings
  return { ...settings, warnings: settings.warnings.filter((warning) => !warning.startsWith('raw_log:')) }
}
