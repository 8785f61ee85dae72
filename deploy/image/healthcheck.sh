#!/bin/sh
# The image's health check: asks the registry that process 1 is, with the configuration that it was started with.
set -eu

configuration=${REGISTRY_CONFIGURATION_PATH-}
serves=
for argument in $(tr '\0' '\n' </proc/1/cmdline); do
  case $argument in
    serve) serves=yes ;;
    *.yml | *.yaml) configuration=$argument ;;
  esac
done

# Another command, such as a collection, is healthy as long as it runs.
[ -n "$serves" ] || exit 0
exec registry healthcheck "$configuration"
