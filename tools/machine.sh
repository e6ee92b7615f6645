#!/usr/bin/env bash
# Says in one go what this machine lacks, and how to get it. Quiet when nothing is missing.
set -uo pipefail

missing=0
lacks() { # what it is for, how to get it
  [ "$missing" -eq 0 ] && echo 'This machine lacks something that the build needs:' >&2
  missing=1
  printf '\n  %s\n    %s\n' "$1" "$2" >&2
}

wanted=$(sed -n 's/^channel *= *"\(.*\)"/\1/p' rust-toolchain.toml)

if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
  lacks "cargo and rustc $wanted" 'install rustup from https://rustup.rs; it reads rust-toolchain.toml by itself'
elif ! found=$(rustc --version 2>&1); then
  lacks "rustc $wanted (rustc says: ${found%%$'\n'*})" "rustup toolchain install $wanted"
elif [[ $found != "rustc $wanted "* ]]; then
  lacks "rustc $wanted (found: $found)" "rustup toolchain install $wanted"
fi
for part in "$@"; do
  ! command -v cargo >/dev/null || cargo "$part" --version >/dev/null 2>&1 || lacks "cargo $part" "rustup component add ${part/fmt/rustfmt}"
done

command -v cc >/dev/null || lacks 'a C compiler (the TLS library is partly C)' 'Debian, Ubuntu: apt-get install gcc libc6-dev'
command -v git >/dev/null || lacks 'git' 'Debian, Ubuntu: apt-get install git'

if ! command -v python3 >/dev/null; then
  lacks 'python3, 3.11 or later (local stack, checks of the template)' 'Debian, Ubuntu: apt-get install python3 python3-venv'
elif ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  lacks "python3, 3.11 or later (found: $(python3 --version))" 'Debian, Ubuntu: apt-get install python3 python3-venv'
elif ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  lacks 'the venv module of python3' 'Debian, Ubuntu: apt-get install python3-venv'
fi

[ "$missing" -eq 0 ] || { echo >&2; exit 1; }
