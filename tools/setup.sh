#!/usr/bin/env bash
# Prepares .venv for a make target:
# tools/setup.sh runtime|dev|speech|voices|sipp|srtp|opus|baresip|spandsp|kamailio|rtpengine|sippy|chromium
#
#   runtime  the switch itself: Python packages it runs with, and its native engine, built in place
#   dev      runtime, and what tests and checks need
#   speech   runtime, and what speaks and understands speech: the extra of that name, and silero-vad
#   voices   flite and espeak-ng, for benchmarks that make their own speech
#   sipp     SIPp, for the scenario tests (Debian's sip-tester)
#   srtp     libsrtp2, which encrypts sound
#   opus     libopus, which codes it
#   baresip  a phone of others, for scenario tests (Debian's baresip-core)
#   spandsp  a fax machine of others, for scenario tests (Debian's libspandsp2)
#   kamailio the proxy of deploy/, for its tests and as a peer of benchmarks
#   rtpengine its media relay, for benchmarks only (Debian's rtpengine-daemon)
#   sippy    a SIP stack of others, for scenario tests, in a folder of its own
#   chromium a browser without a window, for the tests of dni.js (Debian's chromium)
#
# Safe to run again at any time, and quick when nothing changed: each step leaves a stamp with a hash of
# the files it depends on. Debian packages are installed when we are root or sudo asks no password; else the
# message names them. PYTHON=... chooses the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=.venv
STAMPS=$VENV/stamps
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# --- Debian packages ---------------------------------------------------------------------------------

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_be_root() {
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=180 \
        -o Dpkg::Use-Pty=0 "$@" >&2
}

# debian PURPOSE PACKAGE...: installs the packages, or says which are missing and fails.
debian() {
    local purpose=$1
    shift
    if ! command -v apt-get >/dev/null || ! may_be_root; then
        say "$purpose is missing; install it with: sudo apt-get install $*"
        return 1
    fi
    say "installing $* ($purpose)"
    apt install --no-install-recommends -y "$@" 2>/dev/null && return
    apt update && apt install --no-install-recommends -y "$@" && return
    say "could not install $*: $purpose is missing"
    return 1
}

# --- Python ------------------------------------------------------------------------------------------

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null && is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    die "Python 3.11 or newer is needed; install it, or name it: make PYTHON=/path/to/python3"
}

# Debian splits ensurepip and the headers off its Python.
can_make_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }
has_headers() {
    "$1" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))'
}
can_compile() { echo 'int main(void){return 0;}' | "${CC:-gcc}" -x c -o /dev/null - 2>/dev/null; }

ensure_venv() {
    if [ -x $VENV/bin/python ] && is_new_enough $VENV/bin/python && $VENV/bin/python -c 'import pip' 2>/dev/null; then
        return
    fi
    local python
    python=$(find_python)
    can_make_venv "$python" || debian "Python's venv module" python3-venv || exit 1
    say "making $VENV with $python"
    "$python" -m venv --clear $VENV
}

ensure_compiler() {
    can_compile || debian "a C compiler" gcc libc6-dev || exit 1
    has_headers $VENV/bin/python || debian "Python's C headers" python3-dev || exit 1
}

# pip's own retries cover single requests; this covers the rest of a bad minute.
pip_install() {
    local attempt
    for attempt in 1 2 3; do
        $VENV/bin/python -m pip install --quiet --retries 5 --timeout 30 "$@" && return
        say "pip failed (attempt $attempt of 3)"
        sleep $((attempt * 3))
    done
    die "pip could not install: $*"
}

# --- Steps -------------------------------------------------------------------------------------------

fingerprint() {
    { cat -- "$@" 2>/dev/null; $VENV/bin/python -VV; pwd; } | sha256sum
}

# is_done NAME FILE...: whether the step succeeded with these very files.
is_done() {
    local name=$1
    shift
    [ -f "$STAMPS/$name" ] && [ "$(cat "$STAMPS/$name")" = "$(fingerprint "$@")" ]
}

mark_done() {
    local name=$1
    shift
    mkdir -p $STAMPS
    fingerprint "$@" >"$STAMPS/$name"
}

# requirements KEY...: a list of requirements from pyproject.toml, one a line.
requirements() {
    $VENV/bin/python - "$@" <<'PYTHON'
import functools, sys, tomllib
with open("pyproject.toml", "rb") as file:
    print(*functools.reduce(dict.__getitem__, sys.argv[1:], tomllib.load(file)), sep="\n")
PYTHON
}

engine_sources() {
    find rtp/engine media/detection softswitch -type f \( -name '*.c' -o -name '*.h' -o -name '*.pyx' -o -name '*.pxd' \
        -o -name '_build.py' \) | LC_ALL=C sort
}

has_engine() {
    local part
    for part in rtp/engine/_engine media/detection/_detectors softswitch/{sip/_reader,sdp/_lines,transport/_datagrams}; do
        compgen -G "$part.*.so" >/dev/null || return 1
    done
}

install_runtime() {
    local build_tools
    mapfile -t build_tools < <(requirements build-system requires)
    say "installing the build tools"
    pip_install "${build_tools[@]}"
    say "installing softswitch and what it runs with"
    pip_install --no-build-isolation --editable .
}

ensure_runtime() {
    local sources built_before=no
    ensure_venv
    ensure_compiler
    mapfile -t sources < <(engine_sources)
    if has_engine; then built_before=yes; fi
    if ! is_done runtime pyproject.toml setup.py; then
        install_runtime
        mark_done runtime pyproject.toml setup.py
        # An editable install builds the engine, but looks only at what is newer than the last build.
        if [ $built_before = no ]; then mark_done engine setup.py "${sources[@]}"; fi
    fi
    if ! has_engine || ! is_done engine setup.py "${sources[@]}"; then
        say "building the native parts"
        $VENV/bin/python setup.py --quiet build_ext --inplace --force
        mark_done engine setup.py "${sources[@]}"
    fi
}

ensure_dev() {
    local packages
    ensure_runtime
    is_done dev pyproject.toml && return
    say "installing what the tests and checks need"
    mapfile -t packages < <(requirements project optional-dependencies dev)
    pip_install "${packages[@]}"
    mark_done dev pyproject.toml
}

# The packages of one maintainer come by hash, whatever the index says meanwhile.
ensure_speech() {
    local packages
    ensure_runtime
    is_done speech pyproject.toml requirements/pinned.txt requirements/bare.txt && return
    say "installing what speaks and understands speech"
    mapfile -t packages < <(requirements project optional-dependencies speech | grep -v ==)
    pip_install "${packages[@]}"
    pip_install --no-deps --require-hashes -r requirements/pinned.txt -r requirements/bare.txt
    mark_done speech pyproject.toml requirements/pinned.txt requirements/bare.txt
}

ensure_voices() {
    command -v flite >/dev/null && command -v espeak-ng >/dev/null || debian "more voices" flite espeak-ng
}

# never_starts SERVICE: stops what Debian's package has started, now and at the next boot.
never_starts() {
    if [ -d /run/systemd/system ]; then
        as_root systemctl disable --now --quiet "$1" || true
    elif [ -x "/etc/init.d/$1" ]; then
        as_root "/etc/init.d/$1" stop >&2 || true
        as_root update-rc.d "$1" disable >&2 || true
    fi
}

ensure_kamailio() {
    PATH=$PATH:/usr/sbin command -v kamailio >/dev/null && return
    debian "Kamailio" kamailio || return
    # The package starts it at port 5060, which is not what anybody asked for here.
    never_starts kamailio
}

ensure_rtpengine() {
    command -v rtpengine >/dev/null && return
    debian "rtpengine" rtpengine-daemon || return
    # Its service takes ports and writes rules for the firewall.
    never_starts rtpengine-daemon
}

ensure_sipp() {
    command -v sipp >/dev/null || debian "SIPp" sip-tester
}

ensure_srtp() {
    [[ $(PATH=$PATH:/usr/sbin ldconfig -p) == *libsrtp2.so.1* ]] || debian "libsrtp2" libsrtp2-1
}

ensure_opus() {
    [[ $(PATH=$PATH:/usr/sbin ldconfig -p) == *libopus.so.0* ]] || debian "libopus" libopus0
}

ensure_baresip() {
    command -v baresip >/dev/null || debian "baresip" baresip-core
}

ensure_spandsp() {
    [[ $(PATH=$PATH:/usr/sbin ldconfig -p) == *libspandsp.so.2* ]] || debian "libspandsp" libspandsp2
}

# What it runs with, and itself by hash; beside the packages of the switch, not among them.
ensure_sippy() {
    ensure_venv
    is_done sippy requirements/peers.txt tools/setup.sh && return
    say "installing sippy, a peer for tests"
    rm -rf $VENV/peers
    pip_install --no-deps --target $VENV/peers ElPeriodic==1.5.2 'pycryptodome>=3.20,<5'
    pip_install --no-deps --require-hashes --target $VENV/peers -r requirements/peers.txt
    mark_done sippy requirements/peers.txt tools/setup.sh
}

ensure_chromium() {
    command -v chromium >/dev/null || debian "a browser" chromium
}

# Targets started at the same time set up one after the other.
exec 9<tools/setup.sh
flock 9

case ${1:-} in
    runtime) ensure_runtime ;;
    dev) ensure_dev ;;
    speech) ensure_speech ;;
    voices) ensure_voices ;;
    sipp) ensure_sipp ;;
    srtp) ensure_srtp ;;
    opus) ensure_opus ;;
    baresip) ensure_baresip ;;
    spandsp) ensure_spandsp ;;
    kamailio) ensure_kamailio ;;
    rtpengine) ensure_rtpengine ;;
    sippy) ensure_sippy ;;
    chromium) ensure_chromium ;;
    *) die "usage: tools/setup.sh runtime|dev|speech|voices|sipp|srtp|opus|baresip|spandsp|kamailio|rtpengine|sippy|chromium" ;;
esac
