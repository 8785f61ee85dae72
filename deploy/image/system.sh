#!/bin/sh
# Copies what the image needs of a Debian system with Node to a folder: Node, a shell with a few tools for whoever looks inside,
# their libraries, and the certificate authorities. No package manager, no Perl: nothing that only scanners would look at.
set -eu
system=$1

tools="sh cat chmod chown cmp cp date df du env grep head id ls mkdir mv printenv readlink rm setpriv sleep sort stat tail touch tr wc"

# By the name of its real folder: /bin and /lib are links.
copy() {
  folder=$(readlink -f "$(dirname "$1")")
  mkdir -p "$system$folder"
  cp -L "$1" "$system$folder/"
}

for link in bin lib lib64 sbin; do
  [ ! -L "/$link" ] || cp -a "/$link" "$system/"
done
for program in node $tools; do
  path=$(command -v "$program")
  copy "$path"
  # Each line has one path: of a library, or of the loader.
  ldd "$path" | grep -o '/[^ ]*' | while read -r library; do copy "$library"; done
done
for file in /etc/ssl/certs/ca-certificates.crt /etc/nsswitch.conf /etc/os-release; do
  [ ! -e "$file" ] || copy "$file"
done

printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'registry:x:1000:1000:registry:/:/bin/sh' 'nobody:x:65534:65534:nobody:/:/bin/sh' >"$system/etc/passwd"
printf '%s\n' 'root:x:0:' 'registry:x:1000:' 'nogroup:x:65534:' >"$system/etc/group"
mkdir -m 1777 "$system/tmp"
# Credentials that are mounted here are for whoever may read them.
mkdir -m 755 "$system/root"
