{{/* The names are made as twuni/docker-registry.helm makes them, so that a release can go on with nameOverride: docker-registry. */}}
{{- define "longshore.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "longshore.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "longshore.namespace" -}}
{{- .Values.namespace | default .Release.Namespace -}}
{{- end -}}

{{- define "longshore.secretName" -}}
{{- include "longshore.fullname" . }}-secret
{{- end -}}

{{- define "longshore.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "longshore.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{/* What selects the pods. It can't be changed in a Deployment that exists. */}}
{{- define "longshore.selector" -}}
app: {{ include "longshore.name" . | quote }}
release: {{ .Release.Name | quote }}
{{- end -}}

{{- define "longshore.labels" -}}
{{ include "longshore.selector" . }}
chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
heritage: {{ .Release.Service | quote }}
app.kubernetes.io/name: {{ include "longshore.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- end -}}

{{/* The metadata of an object. Takes a list: the chart's scope, the name's suffix, and more labels and annotations, or none. */}}
{{- define "longshore.metadata" -}}
{{- $scope := index . 0 -}}
name: {{ include "longshore.fullname" $scope }}{{ index . 1 }}
namespace: {{ include "longshore.namespace" $scope }}
labels: {{- merge (index . 2 | default dict | deepCopy) (include "longshore.labels" $scope | fromYaml) | toYaml | nindent 2 }}
{{- with index . 3 }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
