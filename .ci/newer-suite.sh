# To be sourced. Debian's suite after the ones that this machine uses, for programs that aren't in those.
newer_suite=forky

# The mirror that apt on this machine uses for Debian itself; nothing before the first update.
debian_mirror() {
  apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1
}

# Makes a temporary folder with lists of its own, so that apt on this machine never hears of that suite: sets `newer_folder`,
# which the caller removes, and `newer_options` for apt-get.
open_newer_suite() {
  local mirror
  newer_folder=$(mktemp -d)
  chmod 755 "$newer_folder"
  mkdir -p "$newer_folder"/{sources,lists/partial,cache/archives/partial}
  mirror=$(debian_mirror)
  if [ -z "$mirror" ]; then
    apt-get update
    mirror=$(debian_mirror)
  fi
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
    "$mirror" "$newer_suite" /usr/share/keyrings/debian-archive-keyring.gpg >"$newer_folder/sources/newer.sources"
  newer_options=(
    -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$newer_folder/sources"
    -o "Dir::State::lists=$newer_folder/lists" -o "Dir::Cache=$newer_folder/cache" -o APT::Sandbox::User=root
    # A mirror may lag behind the week for which the newest suites' lists are signed; the signature itself is checked.
    -o Acquire::Check-Valid-Until=false
  )
  apt-get "${newer_options[@]}" update
}
