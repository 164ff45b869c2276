{{- define "otlp-cloudwatch.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "otlp-cloudwatch.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) | quote -}}
{{- end -}}

{{- /* Of this release alone: a daemon takes up what another one left on its storage, and would send it with its own role. */ -}}
{{- define "otlp-cloudwatch.hostPath" -}}
{{- printf "%s/%s/%s" (trimSuffix "/" .Values.storage.hostPath) .Release.Namespace (include "otlp-cloudwatch.fullname" .) -}}
{{- end -}}

{{- define "otlp-cloudwatch.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "otlp-cloudwatch.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "otlp-cloudwatch.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "otlp-cloudwatch.labels" -}}
{{ include "otlp-cloudwatch.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end -}}
