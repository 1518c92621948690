#!/bin/sh
# Install what is missing to build, test or lint: the one place that knows the
# Debian packages.
#
#     sh scripts/deps.sh build|test|mpi|page|lint
#
# With everything there it does nothing and needs no network. It uses apt-get,
# through sudo where it is not run as root.
set -eu

build="gcc libc6-dev make pkg-config libopenblas-openmp-dev libdnnl-dev libsqlite3-dev
       libcjson-dev zlib1g-dev libssl-dev libutf8proc-dev libncurses-dev
       libcurl4-openssl-dev libmicrohttpd-dev"
test="$build check sqlite3 gzip tmux"
# For `make MPI=1`; its tests are skipped without it.
mpi="$build libopenmpi-dev openmpi-bin"
# A browser for tests/cli/page.sh, which is skipped without it: it is big.
page="chromium fonts-dejavu-core"
# clang and its libraries: for clang-tidy's headers and the fuzz targets.
lint="$build check git clang libclang-rt-dev libomp-dev clang-format clang-tidy
      shellcheck"

case ${1-} in
build) wanted=$build ;;
test) wanted=$test ;;
mpi) wanted=$mpi ;;
page) wanted=$page ;;
lint) wanted=$lint ;;
*)
    echo "usage: sh scripts/deps.sh build|test|mpi|page|lint" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null; then
    echo "deps.sh: this is not Debian; you need what its packages hold:" >&2
    echo "  $wanted" | tr -s ' \n' ' ' >&2
    echo >&2
    exit 1
fi

missing=""
for package in $wanted; do
    case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) in
    ?i*) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

sudo=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "deps.sh: as root, please: apt-get install$missing" >&2
        exit 1
    fi
    sudo=sudo
fi
echo "deps.sh: installing$missing"
$sudo apt-get update -q
# shellcheck disable=SC2086 # one word per package
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
    --no-install-recommends $missing
