#!/bin/sh
# Takes what the registry:2 and registry:3 images take: a configuration file alone, a command of the registry, or any program.
set -eu

shipped=/opt/longshore/config
second=/etc/docker/registry/config.yml
third=/etc/distribution/config.yml

# The image holds a default at both originals' paths and starts with registry:2's. A configuration that was mounted where
# registry:3 reads it must not be passed over: it may be the one that asks for passwords.
if [ "${1-}" = "$second" ] && cmp -s "$second" "$shipped/registry2.yml" && ! cmp -s "$third" "$shipped/registry3.yml"; then
  echo "entrypoint: $second is the image's own default, $third is not: starting with $third" >&2
  shift
  set -- "$third" "$@"
fi

case "${1-}" in
  *.yml | *.yaml) set -- registry serve "$@" ;;
  serve | garbage-collect | verify | help | -*) set -- registry "$@" ;;
esac

# exec: the registry is process 1 and gets the engine's SIGTERM itself.
exec "$@"
