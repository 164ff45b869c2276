{{- /* The daemon's config with the queues of its awscloudwatchlogs exporters on the volume of `storage`. */ -}}
{{- define "otlp-cloudwatch.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- if ne .Values.storage.type "none" -}}
  {{- $written := default dict (default dict $config.extensions).file_storage -}}
  {{- range list "directory" "max_size" -}}
    {{- if hasKey $written . -}}
      {{- fail (printf "config.extensions.file_storage.%s follows from `storage`: remove it, or write storage.type=none" .) -}}
    {{- end -}}
  {{- end -}}
  {{- /* Beside a queue: its dead letters, and up to 256 MiB for each process of segments being moved, damaged ones, journals. */ -}}
  {{- $beside := 0 -}}
  {{- $queues := 0 -}}
  {{- $processes := max 1 (int (dig "service" "workers" 1 $config)) -}}
  {{- range $id, $exporter := $config.exporters -}}
    {{- $exporter = default dict $exporter -}}
    {{- $queue := merge dict (default dict $exporter.sending_queue) (dict "storage" "file_storage") -}}
    {{- $waits := dig "enabled" true $queue -}}
    {{- if and (eq (first (splitList "/" $id)) "awscloudwatchlogs") $waits (eq $queue.storage "file_storage") -}}
      {{- $_ := set $config.exporters $id (merge (dict "sending_queue" $queue) $exporter) -}}
      {{- $letters := default "256MiB" (default dict $exporter.dead_letters).max_size -}}
      {{- $letters = include "otlp-cloudwatch.mebibytes" (list (printf "config.exporters.%s.dead_letters.max_size" $id) $letters) -}}
      {{- $beside = add $beside $letters (mul 256 $processes) -}}
      {{- $queues = add $queues 1 -}}
    {{- end -}}
  {{- end -}}
  {{- if $queues -}}
    {{- $left := sub (include "otlp-cloudwatch.mebibytes" (list "storage.size" .Values.storage.size)) $beside -}}
    {{- $least := mul 256 $queues -}}
    {{- if lt $left $least -}}
      {{- fail (printf "storage.size: %s is too small for the queues and dead letters of this config: write at least %dMi" .Values.storage.size (add $beside $least)) -}}
    {{- end -}}
    {{- $storage := dict "directory" (include "otlp-cloudwatch.storageDirectory" .) "max_size" (printf "%dMiB" (div $left $queues)) -}}
    {{- $extensions := merge (dict "file_storage" (merge $storage $written)) (default dict $config.extensions) -}}
    {{- $_ := set $config "extensions" $extensions -}}
    {{- $_ := set $config.service "extensions" (uniq (append (default list $config.service.extensions) "file_storage")) -}}
  {{- end -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{- /* Where the volume is mounted. */ -}}
{{- define "otlp-cloudwatch.storageDirectory" -}}
/var/lib/otlp-cloudwatch
{{- end -}}

{{- /* Of a key and its value: `2Gi`, as Kubernetes writes it, or `2GiB`, as the daemon does. */ -}}
{{- define "otlp-cloudwatch.mebibytes" -}}
{{- $size := toString (last .) -}}
{{- if not (regexMatch "^[1-9][0-9]*[MG]iB?$" $size) -}}
  {{- fail (printf "%s: %s is not a size that the chart can add up: write a whole number of MiB or GiB" (first .) $size) -}}
{{- end -}}
{{- mul (regexFind "^[0-9]+" $size) (ternary 1024 1 (contains "Gi" $size)) -}}
{{- end -}}

{{- /* Refuses a pod that would be killed while it still sends. A duration from ${env:} cannot be known here. */ -}}
{{- define "otlp-cloudwatch.gracePeriod" -}}
{{- $timeout := toString (dig "service" "shutdown_timeout" "25s" .Values.config) -}}
{{- $seconds := 0.0 -}}
{{- range regexFindAll "[0-9.]+(ms|h|m|s)" $timeout -1 -}}
  {{- $unit := regexFind "[a-z]+" . -}}
  {{- $seconds = addf $seconds (mulf (trimSuffix $unit .) (get (dict "ms" 0.001 "s" 1 "m" 60 "h" 3600) $unit)) -}}
{{- end -}}
{{- if le (float64 .Values.terminationGracePeriodSeconds) $seconds -}}
  {{- fail (printf "terminationGracePeriodSeconds: %v is not longer than config.service.shutdown_timeout, %s: write more, or a shorter timeout" .Values.terminationGracePeriodSeconds $timeout) -}}
{{- end -}}
{{- .Values.terminationGracePeriodSeconds -}}
{{- end -}}
