#!/bin/sh
# Gets this checkout ready for a target of the Makefile: a Python, the environment in .venv, system packages.
#
#   sh devnet/bootstrap.sh run|test|lint|bench|lock|messages
#
# EXCHEQUER_PYTHON=/path/to/python   use this interpreter
# NO_SYSTEM_PACKAGES=1               install no system packages, only say which are missing
set -eu

target=${1:-run}
cd "$(dirname "$0")/.."
lock=requirements/dev.txt
stamp=.venv/.installed-from
export UV_PYTHON_DOWNLOADS=never PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s\n' "$*" >&2; }
fail() { say "make $target: $*"; exit 1; }

# --- Python ---------------------------------------------------------------------------------------------------------

# Really starts it: a shim of pyenv is on the PATH even where the version behind it is not chosen.
is_good() {
    "$1" -c 'import sys, ssl, venv; sys.exit(not (3, 12) <= sys.version_info[:2] < (3, 15))' >/dev/null 2>&1
}

find_python() {
    if [ -n "${EXCHEQUER_PYTHON:-}" ]; then
        is_good "$EXCHEQUER_PYTHON" || fail "EXCHEQUER_PYTHON=$EXCHEQUER_PYTHON is not a Python from 3.12 to 3.14"
        echo "$EXCHEQUER_PYTHON"
        return
    fi
    for version in 3.13 3.12 3.14; do
        for candidate in \
            "python$version" \
            "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python \
            "${UV_PYTHON_INSTALL_DIR:-$HOME/.local/share/uv/python}/cpython-$version".*/bin/python3 \
            "/usr/local/bin/python$version" "/opt/homebrew/bin/python$version" "/opt/python/$version"*/bin/python3 \
            "$HOME/.local/bin/python$version"
        do
            if is_good "$candidate"; then
                # The interpreter itself, not a shim: it has to be there tomorrow, whatever pyenv is told by then.
                "$candidate" -c 'import sys; print(getattr(sys, "_base_executable", None) or sys.executable)'
                return
            fi
        done
    done
    if is_good python3; then
        python3 -c 'import sys; print(getattr(sys, "_base_executable", None) or sys.executable)'
        return
    fi
    fail "Exchequer needs Python 3.12, 3.13 or 3.14, and there is none on the PATH, in pyenv or in uv. Install one \
(for example: pyenv install 3.13, or uv python install 3.13), or name it with EXCHEQUER_PYTHON=/path/to/python."
}

# --- environment ----------------------------------------------------------------------------------------------------

make_environment() {
    wanted="$(cksum < "$lock")"
    if [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    if ! { [ -x .venv/bin/python ] && is_good .venv/bin/python; }; then
        python=$(find_python)
        say "Making the environment with $python"
        rm -rf .venv
        if ! "$python" -m venv .venv >/dev/null 2>&1; then
            # Debian's Python without python3-venv cannot put pip into it; uv does not need pip.
            rm -rf .venv
            "$python" -m venv --without-pip .venv || fail "$python cannot make a virtual environment"
        fi
    fi
    rm -f "$stamp"
    say "Installing the requirements"
    install_requirements
    echo "$wanted" > "$stamp"
}

install_requirements() {
    if command -v uv >/dev/null 2>&1 && uv pip sync --quiet --python .venv/bin/python --require-hashes "$lock"; then
        return
    fi
    .venv/bin/python -m pip --version >/dev/null 2>&1 ||
        fail "neither uv nor pip is here; install uv, or on Debian and Ubuntu: apt-get install python3-venv"
    # uv alone first, by its locked hash: it installs the rest in seconds where pip takes minutes.
    only_uv=.venv/uv.txt
    awk '/^[^ #]/ { keep = /^uv==/ } keep && !/^ *#/' "$lock" > "$only_uv"
    if .venv/bin/python -m pip install --quiet --require-hashes --no-deps -r "$only_uv" 2>.venv/pip.log &&
        .venv/bin/python -m uv pip sync --quiet --python .venv/bin/python --require-hashes "$lock"; then
        return
    fi
    say "uv cannot be used here; pip takes some minutes"
    .venv/bin/python -m pip install --quiet --require-hashes -r "$lock" || fail "the requirements could not be installed"
}

# --- system packages ------------------------------------------------------------------------------------------------

has_library() { ldconfig -p 2>/dev/null | grep -q "$1" || [ -e "/usr/lib/$1" ] || [ -e "/opt/homebrew/lib/$1" ]; }
has_font() { ls /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf >/dev/null 2>&1 || fc-list 2>/dev/null | grep -qi dejavu; }
has_browser() {
    for name in chromium-headless-shell chromium chromium-browser google-chrome; do
        command -v $name >/dev/null 2>&1 && return 0
    done
    return 1
}

missing_packages() {
    case $target in
        run | test | bench)
            has_library libpango-1.0.so.0 || echo libpango-1.0-0
            has_library libpangoft2-1.0.so.0 || echo libpangoft2-1.0-0
            has_font || echo fonts-dejavu-core
            ;;
    esac
    case $target in
        test | bench) has_browser || echo chromium-headless-shell ;;
        messages) command -v xgettext >/dev/null 2>&1 || echo gettext ;;
    esac
}

install_packages() {
    missing=$(missing_packages | tr '\n' ' ')
    missing=${missing% }
    [ -n "$missing" ] || return 0
    if [ "${NO_SYSTEM_PACKAGES:-0}" != 1 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "Installing system packages: $missing (NO_SYSTEM_PACKAGES=1 leaves them out)"
        mkdir -p .cache
        export DEBIAN_FRONTEND=noninteractive
        # Releases without the headless shell have the whole browser.
        others=$(echo "$missing" | sed s/chromium-headless-shell/chromium/)
        apt_install="apt-get install -y --no-install-recommends"
        # shellcheck disable=SC2086  # one argument per package
        if { apt-get update && { $apt_install $missing || $apt_install $others; }; } > .cache/system-packages.log 2>&1; then
            return 0
        fi
        say "apt-get did not install them; its words are in .cache/system-packages.log"
    fi
    say "Missing system packages: $missing (Debian, Ubuntu: apt-get install $missing)"
}

# Two targets at once in one checkout must not install into one another.
if command -v flock >/dev/null 2>&1 && [ "${EXCHEQUER_BOOTSTRAP_LOCKED:-}" != 1 ]; then
    mkdir -p .cache
    EXCHEQUER_BOOTSTRAP_LOCKED=1 exec flock .cache/bootstrap.lock sh "devnet/bootstrap.sh" "$target"
fi
make_environment
install_packages
if [ "$target" = test ] || [ "$target" = bench ]; then
    .venv/bin/python -c 'from devnet import node; node.install()'
fi
