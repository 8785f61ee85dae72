#!/bin/sh
# Accepts what the registry:2 and registry:3 images accept: a configuration file, a registry command, or any program.
set -eu

shipped=/opt/longshore/config
second=/etc/docker/registry/config.yml
third=/etc/distribution/config.yml

# The image has a default configuration at the paths of both images and starts with registry:2's. A configuration mounted at
# registry:3's path must not be ignored: it may be the one that requires passwords.
if [ "${1-}" = "$second" ] && cmp -s "$second" "$shipped/registry2.yml" && ! cmp -s "$third" "$shipped/registry3.yml"; then
  echo "entrypoint: $second is the image's own default, $third is not: starting with $third" >&2
  shift
  set -- "$third" "$@"
fi

case "${1-}" in
  *.yml | *.yaml) set -- registry serve "$@" ;;
  # Anything that isn't a program is a registry command or flag.
  *) command -v -- "${1-}" >/dev/null 2>&1 || set -- registry "$@" ;;
esac

# exec: the registry is process 1 and receives the engine's SIGTERM.
exec "$@"
