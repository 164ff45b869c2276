import type { ComponentRegistry } from './component/factory.ts'
import { awscloudwatchlogsExporter } from './exporters/awscloudwatchlogs/index.ts'
import { debugExporter } from './exporters/debug/index.ts'
import { nopExporter } from './exporters/nop/index.ts'
import { basicauthExtension } from './extensions/basicauth/index.ts'
import { bearertokenauthExtension } from './extensions/bearertokenauth/index.ts'
import { cloudwatchLocalExtension } from './extensions/cloudwatch_local/index.ts'
import { fileStorageExtension } from './extensions/file_storage/index.ts'
import { healthCheckExtension } from './extensions/health_check/index.ts'
import { pprofExtension } from './extensions/pprof/index.ts'
import { zpagesExtension } from './extensions/zpages/index.ts'
import { batchProcessor } from './processors/batch/index.ts'
import { memoryLimiterProcessor } from './processors/memory_limiter/index.ts'
import { httpJsonReceiver } from './receivers/http_json/index.ts'
import { otlpReceiver } from './receivers/otlp/index.ts'

/** Every component that a config can name. */
export const components: ComponentRegistry = {
  receivers: [httpJsonReceiver, otlpReceiver],
  processors: [batchProcessor, memoryLimiterProcessor],
  exporters: [awscloudwatchlogsExporter, debugExporter, nopExporter],
  extensions: [
    basicauthExtension,
    bearertokenauthExtension,
    cloudwatchLocalExtension,
    fileStorageExtension,
    healthCheckExtension,
    pprofExtension,
    zpagesExtension,
  ],
}
