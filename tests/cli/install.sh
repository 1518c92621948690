# shellcheck shell=sh source=tests/cli/lib.sh
# What `make install` puts down is enough to build a program on the rooms' doors.
. "$REPO/tests/cli/lib.sh"

if [ "$PREFKIT" != "$REPO/build/release/prefkit" ]; then
    t "install"
    skip "only of the release build"
    exit 0
fi
prefix=$PWD/usr

t "install puts down the program, the library, the doors"
run 0 make -s -C "$REPO" install PREFIX="$prefix"
must test -x usr/bin/prefkit
run 0 usr/bin/prefkit --version
version=$(sed 's/prefkit //' stdout)

t "a program builds against it and makes a store"
cat >own.c <<'END'
#include <infer/infer.h>
#include <prefdb/prefdb.h>
#include <stdio.h>

int main(void)
{
    struct pk_err err;
    struct prefdb *db;
    struct infer_config c = {0};
    if (prefdb_open(&db, "own.db", PREFDB_CREATE, &err)) {
        puts(err.text);
        return 1;
    }
    prefdb_close(db);
    return infer_config_ends(&c, 7);
}
END
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
# shellcheck disable=SC2046 # one word per flag
run 0 cc -std=c11 -Wall -Werror own.c -o own $(pkg-config --cflags --libs prefkit)
must test "$(pkg-config --modversion prefkit)" = "$version"
run 0 ./own
run 0 prefkit check own.db

t "uninstall takes it all away"
run 0 make -s -C "$REPO" uninstall PREFIX="$prefix"
must test -z "$(find usr -type f)"
