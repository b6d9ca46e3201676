#!/bin/sh
# What Python's registry cannot bring: text layout for PDFs; for the tests also a browser, a Prometheus,
# an office that opens decks, and other people's verifiers. Installs what is missing where it may (root on Debian or Ubuntu), else
# says exactly what to run.
#
#   scripts/system-packages.sh venv|demo|test [PYTHON]
set -eu

purpose=${1:-demo}
python=${2:-python3}
missing=""

need() { # need PACKAGE... -- unless COMMAND... succeeds
    packages=""
    while [ "$1" != "--" ]; do packages="$packages $1"; shift; done
    shift
    "$@" >/dev/null 2>&1 || missing="$missing$packages"
}

library() { "$python" -c "import ctypes, sys; ctypes.CDLL(sys.argv[1])" "$1"; }
browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
go_modules() { command -v go && test -d /usr/share/gocode/src/golang.org/x/mod/sumdb; }

case "$(uname -s)" in
Darwin)
    test -e "$(brew --prefix 2>/dev/null)/lib/libpangoft2-1.0.0.dylib" || { echo "Please run: brew install pango" >&2; exit 1; }
    exit 0 ;;
esac

need python3-venv -- "$python" -c "import ensurepip, venv"
if [ "$purpose" != venv ]; then
    need libpango-1.0-0 libpangoft2-1.0-0 -- library libpangoft2-1.0.so.0
    need libharfbuzz-subset0 -- library libharfbuzz-subset.so.0
fi
if [ "$purpose" = test ]; then
    need chromium -- browser
    need golang-go golang-golang-x-mod-dev -- go_modules
    need poppler-utils -- command -v pdftotext
    need libreoffice-impress -- command -v soffice
    need openssl -- command -v openssl
fi

install_missing() {
    install="apt-get install -y --no-install-recommends$missing"
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "Missing on this machine (named as Debian names them):$missing" >&2
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        echo "System packages are missing. Please run:  sudo apt-get update && sudo $install" >&2
        exit 1
    fi
    echo "Installing system packages:$missing"
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive $install
}

# Prometheus as a program beside the tests' Python, from Debian's package but not installed: that
# would run one on this machine, now and at every start.
take_prometheus() {
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    chmod 755 "$folder" # root's apt downloads as another user
    (
        cd "$folder"
        apt-get download -qq prometheus 2>/dev/null || { [ "$(id -u)" = 0 ] && apt-get update -qq && apt-get download -qq prometheus; }
        dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/prometheus ./usr/bin/promtool
    ) || { echo "The tests need prometheus and promtool, on the PATH or in .venv/bin." >&2; exit 1; }
    mv "$folder"/usr/bin/prometheus "$folder"/usr/bin/promtool .venv/bin/
}

[ -z "$missing" ] || install_missing
if [ "$purpose" = test ] && ! command -v promtool >/dev/null && ! test -x .venv/bin/promtool; then
    take_prometheus
fi
