{{/* The strategy of updates. A claim that one node may mount is let go before the next pod asks for it. */}}
{{- define "longshore.strategy" -}}
{{- $isLocal := and (eq .Values.storage "filesystem") .Values.persistence.enabled (hasPrefix "ReadWriteOnce" .Values.persistence.accessMode) -}}
{{- if .Values.updateStrategy -}}
{{- toYaml .Values.updateStrategy -}}
{{- else -}}
type: RollingUpdate
rollingUpdate:
  maxSurge: {{ ternary 0 1 $isLocal }}
  maxUnavailable: {{ ternary 1 0 $isLocal }}
{{- end -}}
{{- end -}}

{{/* A probe. Takes a list: the chart's scope, the settings, the path, the probe's own values. */}}
{{- define "longshore.probe" -}}
{{- $scope := index . 0 -}}
{{- $config := (index . 1).config -}}
{{- $request := dict "path" (index . 2) "port" "debug" -}}
{{- if not (include "longshore.debugPort" $config) -}}
{{- $_ := set $request "port" "http" -}}
{{- if ($config.http).tls -}}
{{- $_ := set $request "scheme" "HTTPS" -}}
{{- end -}}
{{- end -}}
{{- $own := index . 3 -}}
{{- $isOther := or (hasKey $own "httpGet") (hasKey $own "exec") (hasKey $own "tcpSocket") (hasKey $own "grpc") -}}
{{- ternary $own (merge (dict "httpGet" $request) $own) $isOther | toYaml -}}
{{- end -}}

{{/* "yes" if extraVolumeMounts has something at the path. Takes a list: the chart's scope, the path. */}}
{{- define "longshore.isMounted" -}}
{{- $path := index . 1 -}}
{{- range (index . 0).Values.extraVolumeMounts -}}
{{- if eq (trimSuffix "/" .mountPath) $path -}}yes{{- end -}}
{{- end -}}
{{- end -}}

{{- define "longshore.volumeMounts" -}}
- name: config
  mountPath: {{ .Values.configPath }}
  readOnly: true
{{- if not (include "longshore.isMounted" (list . "/var/lib/registry")) }}
- name: data
  mountPath: /var/lib/registry
{{- end }}
{{- if not (include "longshore.isMounted" (list . "/tmp")) }}
- name: tmp
  mountPath: /tmp
{{- end }}
{{- if or .Values.secrets.htpasswd .Values.secrets.htpasswdRef }}
- name: auth
  mountPath: /auth
  readOnly: true
{{- end }}
{{- if include "longshore.gcsSecret" . }}
- name: gcs
  mountPath: /etc/longshore/gcs
  readOnly: true
{{- end }}
{{- if .Values.tlsSecretName }}
- name: tls-cert
  mountPath: /etc/ssl/docker
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "longshore.volumes" -}}
- name: config
  configMap:
    name: {{ include "longshore.fullname" . }}-config
{{- if not (include "longshore.isMounted" (list . "/var/lib/registry")) }}
- name: data
  {{- if and (eq .Values.storage "filesystem") .Values.persistence.enabled }}
  persistentVolumeClaim:
    claimName: {{ .Values.persistence.existingClaim | default (include "longshore.fullname" .) }}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end }}
{{- if not (include "longshore.isMounted" (list . "/tmp")) }}
- name: tmp
  emptyDir:
    sizeLimit: 1Gi
{{- end }}
{{- if or .Values.secrets.htpasswd .Values.secrets.htpasswdRef }}
- name: auth
  secret:
    secretName: {{ .Values.secrets.htpasswdRef | default (include "longshore.secretName" .) }}
    items:
      - key: htpasswd
        path: htpasswd
{{- end }}
{{- with include "longshore.gcsSecret" . }}
- name: gcs
  secret:
    secretName: {{ . }}
    items:
      - key: gcsKeyfile
        path: keyfile.json
{{- end }}
{{- with .Values.tlsSecretName }}
- name: tls-cert
  secret:
    secretName: {{ . }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The Secret with the key file of gcs, or nothing. */}}
{{- define "longshore.gcsSecret" -}}
{{- $gcs := .Values.secrets.gcs | default dict -}}
{{- if eq .Values.storage "gcs" -}}
{{- $gcs.secretRef | default (ternary (include "longshore.secretName" .) "" (not (empty $gcs.keyfile))) -}}
{{- end -}}
{{- end -}}
