#!/bin/sh
# Builds the web application when what it is made of has changed since the last build; else needs neither Node nor
# network. Usage: server/web/build.sh [python], where python has the project's packages (default: .venv/bin/python).
set -eu

web=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$web/../.." && pwd)
python=${1:-$root/.venv/bin/python}

digest=$(cd "$root" && "$python" -c '
import pathlib, sys
from server.web.assets import build_digest
print(build_digest(pathlib.Path(sys.argv[1])))' "$web")

if [ -f "$web/dist/index.html" ] && [ "$(cat "$web/dist/.digest" 2>/dev/null)" = "$digest" ]; then
    echo "web: up to date"
    exit 0
fi

command -v npm >/dev/null || {
    echo "web: npm is not there: run 'make install', or install Node 20.19 or later" >&2
    exit 2
}

cd "$web"
# A second run after a change of the sources alone keeps the packages that are there.
lock=$(cksum package-lock.json .npmrc)
if [ ! -d node_modules ] || [ "$(cat node_modules/.installed 2>/dev/null)" != "$lock" ]; then
    npm ci --prefer-offline --no-progress
    echo "$lock" >node_modules/.installed
fi
npm run --silent build
echo "$digest" >dist/.digest
echo "web: built"
