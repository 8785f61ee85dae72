{{/* What would go wrong later is refused now. */}}
{{- define "longshore.checks" -}}
{{- if has .Values.storage (list "swift" "oss") -}}
{{- fail (printf "storage %s isn't supported, as in registry:3; use storage: s3 with the S3 endpoint that the service has (s3.regionEndpoint)" .Values.storage) -}}
{{- end -}}
{{- /* Helm deletes what the release had and this chart doesn't name, such as the claim with all images. */ -}}
{{- if .Release.IsUpgrade -}}
{{- $former := ternary .Release.Name (printf "%s-docker-registry" .Release.Name) (contains "docker-registry" .Release.Name) -}}
{{- range list $former (include "longshore.fullname" .) -}}
{{- $metadata := (lookup "apps/v1" "Deployment" (include "longshore.namespace" $) .).metadata | default dict -}}
{{- $labels := $metadata.labels | default dict -}}
{{- if and (eq ($labels.release | default "") $.Release.Name) (ne $labels.app (include "longshore.name" $)) -}}
{{- fail (printf "the release %s has the Deployment %s of another chart: set nameOverride: %s, so that it, its claim and its Secret stay; without it Helm would delete them" $.Release.Name . $labels.app) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
