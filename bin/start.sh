#!/bin/sh
# Starts the server from this copy of the project, on Linux and macOS:
#
#   bin/start.sh [flags of dt serve]
#
# Installs and builds what is missing or out of date, then becomes `dt serve`, so that signals reach the server itself.
# Runs in the folder of the project, wherever it is called from: paths in flags are relative to that folder.
# Configuration: --config, else $CONFIG_FILE, else config/dev.json.
set -eu

CDPATH='' cd -- "$(dirname -- "$0")/.."

if ! command -v node >/dev/null 2>&1; then
  echo 'start.sh: Node is not installed; 20.19 or newer is needed: https://nodejs.org' >&2
  exit 2
fi
if ! node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'; then
  echo "start.sh: Node 20.19 or newer is needed, this is $(node --version)" >&2
  exit 2
fi

# npm writes this file at the end of an install.
installed=node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ -n "$(find package-lock.json -newer "$installed")" ]; then
  npm ci --no-audit --no-fund
elif [ -e node_modules/typescript/package.json ]; then
  npm run build --silent
fi

export CONFIG_FILE="${CONFIG_FILE:-config/dev.json}"
exec node apps/server/bin/dt.js serve "$@"
