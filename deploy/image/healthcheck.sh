#!/bin/sh
# The image's health check: asks the registry of this container, with the configuration that it was started with.
set -eu
IFS='
'

# Process 1 may be an init of the engine's.
for process in /proc/[0-9]*/cmdline; do
  set -- $(tr '\0' '\n' <"$process" 2>/dev/null)
  case "${2-} ${3-}" in
    */registry\ serve | */registry.js\ serve) exec registry healthcheck "${4-${REGISTRY_CONFIGURATION_PATH-}}" ;;
  esac
done

# Another command, such as a collection, is healthy as long as it runs.
