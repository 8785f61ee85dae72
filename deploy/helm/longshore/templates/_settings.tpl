{{/*
Everything that the values make of the registry's settings, as YAML:
  config: the configuration file, without secrets
  secret: what the chart's Secret holds, by key; haSharedSecret is absent if it has to be made up
  env: the container's variables, which take secrets from that Secret or from others
Settings of configData that are secrets move to the Secret, or are refused (files/secret-keys.yml).
*/}}
{{- define "longshore.settings" -}}
{{- $values := .Values -}}
{{- $own := include "longshore.secretName" . -}}
{{- $config := deepCopy ($values.configData | default dict) -}}
{{- range list "storage" "http" -}}
{{- $_ := set $config . (get $config . | default dict) -}}
{{- end -}}
{{- $storage := $config.storage -}}
{{- $http := $config.http -}}
{{- $secrets := $values.secrets | default dict -}}
{{- $secret := dict -}}
{{- /* Variables that come from Secrets: lists of the variable, the Secret and its key. */ -}}
{{- $from := list -}}

{{- /* http.secret */ -}}
{{- with $secrets.haSharedSecret | default $http.secret -}}
{{- $_ := set $secret "haSharedSecret" (toString .) -}}
{{- end -}}
{{- $_ := unset $http "secret" -}}
{{- $from = append $from (list "REGISTRY_HTTP_SECRET" ($secrets.haSharedSecretRef | default $own) "haSharedSecret") -}}

{{- /* storage */ -}}
{{- $driver := $values.storage -}}
{{- range list "filesystem" "inmemory" "s3" "s3aws" "azure" "gcs" "swift" "oss" -}}
{{- if and (ne . $driver) (hasKey $storage .) -}}
{{- fail (printf "configData.storage.%s is set, but the value storage is %s: set storage to the driver, and its options below configData.storage.<driver>" . $driver) -}}
{{- end -}}
{{- end -}}
{{- $options := get $storage $driver | default dict -}}
{{- range $name, $value := get $values $driver | default dict -}}
{{- if and (kindIs "string" $value) (has $value (list "true" "false")) -}}
{{- $_ := set $options (lower $name) (eq $value "true") -}}
{{- else if not (kindIs "invalid" $value) -}}
{{- $_ := set $options (lower $name) $value -}}
{{- end -}}
{{- end -}}
{{- if eq $driver "filesystem" -}}
{{- $_ := set $options "rootdirectory" "/var/lib/registry" -}}
{{- else if eq $driver "inmemory" -}}
{{- $_ := set $http "workers" 1 -}}
{{- else if eq $driver "s3" -}}
{{- $_ := required "set s3.bucket, since storage is s3" $options.bucket -}}
{{- if not $options.regionendpoint -}}
{{- $_ := required "set s3.region, or s3.regionEndpoint of a service other than Amazon's" $options.region -}}
{{- end -}}
{{- $s3 := $secrets.s3 | default dict -}}
{{- $accessKey := $s3.accessKey | default $options.accesskey -}}
{{- $secretKey := $s3.secretKey | default $options.secretkey -}}
{{- $options = omit $options "accesskey" "secretkey" -}}
{{- if and $accessKey $secretKey (not $s3.secretRef) -}}
{{- $_ := set $secret "s3AccessKey" (toString $accessKey) -}}
{{- $_ := set $secret "s3SecretKey" (toString $secretKey) -}}
{{- end -}}
{{- if or $s3.secretRef $secret.s3AccessKey -}}
{{- $from = append $from (list "REGISTRY_STORAGE_S3_ACCESSKEY" ($s3.secretRef | default $own) "s3AccessKey") -}}
{{- $from = append $from (list "REGISTRY_STORAGE_S3_SECRETKEY" ($s3.secretRef | default $own) "s3SecretKey") -}}
{{- end -}}
{{- else if eq $driver "azure" -}}
{{- $azure := $secrets.azure | default dict -}}
{{- range $key, $option := dict "accountName" "accountname" "accountKey" "accountkey" "container" "container" -}}
{{- $given := get $azure $key -}}
{{- if eq $option "accountkey" -}}
{{- $given = $given | default $options.accountkey -}}
{{- $options = omit $options "accountkey" -}}
{{- end -}}
{{- if and $azure.secretRef (not $given) (not (get $options $option)) -}}
{{- $from = append $from (list (printf "REGISTRY_STORAGE_AZURE_%s" (upper $option)) $azure.secretRef (printf "azure%s" (title $key))) -}}
{{- else if $given -}}
{{- $_ := set $secret (printf "azure%s" (title $key)) (toString $given) -}}
{{- $from = append $from (list (printf "REGISTRY_STORAGE_AZURE_%s" (upper $option)) $own (printf "azure%s" (title $key))) -}}
{{- end -}}
{{- end -}}
{{- else if eq $driver "gcs" -}}
{{- $_ := required "set gcs.bucket, since storage is gcs" $options.bucket -}}
{{- $gcs := $secrets.gcs | default dict -}}
{{- with $gcs.keyfile -}}
{{- $_ := set $secret "gcsKeyfile" . -}}
{{- end -}}
{{- if or $gcs.keyfile $gcs.secretRef -}}
{{- $_ := set $options "keyfile" "/etc/longshore/gcs/keyfile.json" -}}
{{- end -}}
{{- end -}}
{{- $_ := set $storage $driver $options -}}
{{- if ($values.persistence).deleteEnabled -}}
{{- $_ := set $storage "delete" (merge (dict "enabled" true) ($storage.delete | default dict)) -}}
{{- end -}}
{{- if ($values.garbageCollect).enabled -}}
{{- $maintenance := $storage.maintenance | default dict -}}
{{- $collect := include "longshore.collection" $values.garbageCollect | fromYaml -}}
{{- $_ := set $maintenance "gc" (merge $collect ($maintenance.gc | default dict)) -}}
{{- $_ := set $storage "maintenance" $maintenance -}}
{{- end -}}

{{- /* auth */ -}}
{{- if or $secrets.htpasswd $secrets.htpasswdRef -}}
{{- with $secrets.htpasswd -}}
{{- $_ := set $secret "htpasswd" . -}}
{{- end -}}
{{- $auth := $config.auth | default dict -}}
{{- $given := $auth.htpasswd | default dict -}}
{{- $_ := set $auth "htpasswd" (merge (dict "path" "/auth/htpasswd" "realm" ($given.realm | default "Registry Realm")) $given) -}}
{{- $_ := set $config "auth" $auth -}}
{{- end -}}

{{- /* http.tls */ -}}
{{- if $values.tlsSecretName -}}
{{- $files := dict "certificate" "/etc/ssl/docker/tls.crt" "key" "/etc/ssl/docker/tls.key" -}}
{{- $_ := set $http "tls" (merge $files ($http.tls | default dict)) -}}
{{- end -}}

{{- /* http.debug */ -}}
{{- if ($values.metrics).enabled -}}
{{- $debug := $http.debug | default dict -}}
{{- $_ := required "metrics.enabled needs configData.http.debug.addr, such as :5001" $debug.addr -}}
{{- $_ := set $debug "prometheus" (merge (dict "enabled" true) ($debug.prometheus | default dict)) -}}
{{- $_ := set $http "debug" $debug -}}
{{- end -}}

{{- /* proxy */ -}}
{{- $proxy := $config.proxy | default dict -}}
{{- if ($values.proxy).enabled -}}
{{- $_ := set $proxy "remoteurl" (required "set proxy.remoteurl, since proxy.enabled is true" $values.proxy.remoteurl) -}}
{{- $username := $values.proxy.username | default $proxy.username -}}
{{- $password := $values.proxy.password | default $proxy.password -}}
{{- $proxy = omit $proxy "username" "password" -}}
{{- if and $username (not $values.proxy.secretRef) -}}
{{- $_ := set $secret "proxyUsername" (toString $username) -}}
{{- $_ := set $secret "proxyPassword" (toString ($password | default "")) -}}
{{- end -}}
{{- if or $values.proxy.secretRef $secret.proxyUsername -}}
{{- $from = append $from (list "REGISTRY_PROXY_USERNAME" ($values.proxy.secretRef | default $own) "proxyUsername") -}}
{{- $from = append $from (list "REGISTRY_PROXY_PASSWORD" ($values.proxy.secretRef | default $own) "proxyPassword") -}}
{{- end -}}
{{- if and (ne $driver "filesystem") (not $proxy.directory) -}}
{{- $_ := set $proxy "directory" "/var/lib/registry/longshore-mirror" -}}
{{- end -}}
{{- $_ := set $config "proxy" $proxy -}}
{{- end -}}

{{- /* redis */ -}}
{{- $redis := $config.redis | default dict -}}
{{- $stored := $secrets.redis | default dict -}}
{{- with $stored.password | default $redis.password -}}
{{- $_ := set $secret "redisPassword" (toString .) -}}
{{- end -}}
{{- $_ := unset $redis "password" -}}
{{- if or $stored.secretRef $secret.redisPassword -}}
{{- $from = append $from (list "REGISTRY_REDIS_PASSWORD" ($stored.secretRef | default $own) "redisPassword") -}}
{{- end -}}

{{- /* Every other secret, under the name of its variable and in its form: YAML. */ -}}
{{- $known := .Files.Get "files/secret-keys.yml" | fromYaml -}}
{{- $found := dict -}}
{{- include "longshore.separate" (dict "node" $config "pattern" "" "place" "" "indices" list "known" $known "found" $found) -}}
{{- range $variable, $value := $found -}}
{{- range $from -}}
{{- if eq (index . 0) $variable -}}
{{- fail (printf "the variable %s is set by another value and by a key of configData that isn't in lower case: remove one of them" $variable) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $secret $variable $value -}}
{{- $from = append $from (list $variable $own $variable) -}}
{{- end -}}

{{- $env := list -}}
{{- range $from -}}
{{- $ref := dict "name" (index . 1) "key" (index . 2) -}}
{{- $env = append $env (dict "name" (index . 0) "valueFrom" (dict "secretKeyRef" $ref)) -}}
{{- end -}}
{{- dict "config" $config "secret" $secret "env" $env | toYaml -}}
{{- end -}}

{{/*
Takes the secrets out of a part of the configuration, and refuses those that it can't. Takes a dict:
  node: the part, a map of which is changed in place
  pattern: its place as in files/secret-keys.yml, with * for entries of lists
  place: its place with the entries' numbers, which are also in indices
  known: files/secret-keys.yml
  found: gets the secrets, by variable
*/}}
{{- define "longshore.separate" -}}
{{- $part := . -}}
{{- $known := .known -}}
{{- if kindIs "map" .node -}}
{{- range $name, $value := .node -}}
{{- $folded := lower $name | replace "-" "" | replace "_" "" -}}
{{- $pattern := printf "%s.%s" $part.pattern $folded | trimPrefix "." -}}
{{- $any := printf "%s.*" $part.pattern -}}
{{- if has $any $known.sections -}}
{{- $pattern = $any -}}
{{- end -}}
{{- $place := printf "%s.%s" $part.place $name | trimPrefix "." -}}
{{- $variable := get $known.secrets $pattern -}}
{{- if or (empty $value) (has $pattern $known.harmless) -}}
{{- else if $variable -}}
{{- range $part.indices -}}
{{- $variable = regexReplaceAll "^([^*]*)[*]" $variable (printf "${1}%d" .) -}}
{{- end -}}
{{- $_ := set $part.found $variable (toJson $value) -}}
{{- $_ := unset $part.node $name -}}
{{- else if hasKey $known.misspelt $pattern -}}
{{- fail (printf "configData has %s, which the registry doesn't know: write %s, which moves to the Secret" $place (get $known.misspelt $pattern)) -}}
{{- else if hasKey $known.secrets $pattern -}}
{{- include "longshore.refuse" $place -}}
{{- else if and (regexMatch $known.names $folded) (not (has $pattern $known.sections)) (not (kindIs "bool" $value)) -}}
{{- include "longshore.refuse" $place -}}
{{- else -}}
{{- include "longshore.separate" (dict "node" $value "pattern" $pattern "place" $place "indices" $part.indices "known" $known "found" $part.found) -}}
{{- end -}}
{{- end -}}
{{- else if kindIs "slice" .node -}}
{{- range $index, $value := .node -}}
{{- $pattern := printf "%s.*" $part.pattern -}}
{{- $place := printf "%s.%d" $part.place $index -}}
{{- include "longshore.separate" (dict "node" $value "pattern" $pattern "place" $place "indices" (append $part.indices $index) "known" $known "found" $part.found) -}}
{{- end -}}
{{- else if and (kindIs "string" .node) (regexMatch "://[^/@[:space:]]*:[^/@[:space:]]+@" .node) -}}
{{- include "longshore.refuse" .place -}}
{{- end -}}
{{- end -}}

{{/* Fails because of a secret that would be in the ConfigMap. Takes its place. */}}
{{- define "longshore.refuse" -}}
{{- $variable := printf "REGISTRY_%s" (replace "." "_" . | upper) -}}
{{- fail (printf "configData has a secret at %s, which everyone who may read ConfigMaps would see: give it in extraEnvVars, as the variable %s with valueFrom.secretKeyRef, or name a file that extraVolumes mounts from a Secret, where there is a key for one" . $variable) -}}
{{- end -}}

{{/*
storage.maintenance.gc of garbageCollect: Longshore collects while it serves, by intervals from a time of the day on. A schedule
of cron that says more than that is refused.
*/}}
{{- define "longshore.collection" -}}
{{- $fields := splitList " " (regexReplaceAll "\\s+" (trim .schedule) " ") -}}
{{- $interval := "" -}}
{{- $time := "" -}}
{{- if has .schedule (list "@daily" "@midnight") -}}
{{- $interval = "24h" -}}{{- $time = "00:00" -}}
{{- else if eq .schedule "@weekly" -}}
{{- $interval = "168h" -}}{{- $time = "00:00" -}}
{{- else if eq .schedule "@hourly" -}}
{{- $interval = "1h" -}}
{{- else if regexMatch "^[0-9]+ [0-9]+ \\* \\* (\\*|[0-7]|[A-Za-z]{3})$" (join " " $fields) -}}
{{- $interval = ternary "24h" "168h" (eq (index $fields 4) "*") -}}
{{- $time = printf "%02d:%02d" (index $fields 1 | atoi) (index $fields 0 | atoi) -}}
{{- else if regexMatch "^[0-9]+ (\\*|\\*/[0-9]+) \\* \\* \\*$" (join " " $fields) -}}
{{- $interval = printf "%sh" (index $fields 1 | trimPrefix "*" | trimPrefix "/" | default "1") -}}
{{- else -}}
{{- fail (printf "garbageCollect.schedule %q: Longshore collects by intervals, while it serves: write \"M H * * *\" (daily), \"M H * * D\" (weekly) or \"M */N * * *\" (every N hours), or set configData.storage.maintenance.gc instead of garbageCollect" .schedule) -}}
{{- end -}}
enabled: true
interval: {{ $interval }}
{{- with $time }}
timeofday: {{ . | quote }}
{{- end }}
deleteuntagged:
  enabled: {{ .deleteUntagged }}
{{- end -}}

{{/* The number of an address such as :5000 or 0.0.0.0:5000. */}}
{{- define "longshore.port" -}}
{{- splitList ":" . | last -}}
{{- end -}}

{{/* The port of http.debug that others can reach, or nothing. */}}
{{- define "longshore.debugPort" -}}
{{- $address := ((.http).debug).addr | default "" -}}
{{- if regexMatch "^(0\\.0\\.0\\.0|\\[::\\])?:[0-9]+$" $address -}}
{{- include "longshore.port" $address -}}
{{- end -}}
{{- end -}}
