#!/bin/sh
# The program, in the image. Started by root, it gives way to the user "registry" if that user may read and write all that the
# configuration needs. Otherwise it stays root, as registry:2 is: a volume that root wrote works as it is.
set -eu
program=/opt/longshore/packages/registry/bin/registry.js

go_on() {
  exec node "$program" "$@"
}

[ "$(id -u)" = 0 ] || go_on "$@"
case "${1-}" in
  # These change nothing on the storage, or only answer.
  "" | -* | help | completion | backup | healthcheck | permissions | verify) go_on "$@" ;;
esac

case "$1" in
  serve | */* | *.yml | *.yaml) serves=yes ;;
  *) serves= ;;
esac
# The flags of other commands may have values: their configuration is the first that looks like one.
config=${REGISTRY_CONFIGURATION_PATH-}
for argument; do
  case "$serves $argument" in
    *" -"* | "yes serve") ;;
    "yes "* | *.yml | *.yaml | *" /"*)
      config=$argument
      break
      ;;
  esac
done

# Of root's groups only those that the engine was told to add.
groups=1000
for group in $(id -G); do
  [ "$group" = 0 ] || groups=$groups,$group
done
as_registry() {
  setpriv --reuid=1000 --regid=1000 --groups="$groups" -- "$@"
}

# Succeeds if the user "registry" can do it, otherwise prints why not.
find_problem() {
  if ! as_registry sh -c : 2>/dev/null; then
    echo "root lacks the capabilities SETUID and SETGID here"
    return 1
  fi
  for argument; do
    if [ -e "$argument" ] && ! as_registry sh -c 'test -r "$1"' sh "$argument"; then
      echo "$argument can't be read"
      return 1
    fi
  done
  # An unusable configuration prints no problem: the command itself will say what is wrong.
  as_registry node "$program" permissions "$config" 2>/dev/null
}

# As process 1, which nothing ends that it doesn't ask for.
trap 'exit 143' TERM
trap 'exit 130' INT
if problem=$(find_problem "$@"); then
  exec setpriv --reuid=1000 --regid=1000 --groups="$groups" -- node "$program" "$@"
fi
if [ -n "$serves" ]; then
  problem=$(echo "${problem:-it could not be found out what that user may do}" | head -n 1)
  echo "registry: runs as root, not as the user registry (1000): $problem;" \
    "give that user access (chown -R 1000:1000), or start the container with --user" >&2
fi
go_on "$@"
