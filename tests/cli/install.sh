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

t "its scores are the numbers of \`score'"
small_base
sample_store
train_small helpfulness help
cat >scores.c <<'END'
#include <prefdb/prefdb.h>
#include <rm/rm.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    static const char *const say[] = {"How do I boil an egg?", "Seven minutes."};
    const struct rm_named models[] = {{"help", "help"}};
    const struct rm_scorer_opts opts = {.precision = INFER_PRECISION_FP32};
    struct rm_dialogue d = {0};
    struct rm_text text = {.dialogue = &d};
    struct rm_scorer *s;
    struct pk_err err;
    enum rm_reason why;
    size_t at;
    if (rm_scorer_open(&s, models, 1, &opts, &err) ||
        infer_dialogue_add(&d.all, INFER_USER, say[0], strlen(say[0]), &err) ||
        infer_dialogue_add(&d.all, INFER_ASSISTANT, say[1], strlen(say[1]), &err) ||
        rm_scorer_add(s, &text, &at, &why, &err) || rm_scorer_flush(s, &err)) {
        puts(err.text);
        return 1;
    }
    printf("%.9g\n", rm_scorer_get(s, 0, at)->score);
    infer_dialogue_release(&d.all);
    rm_scorer_close(s);
    return 0;
}
END
# shellcheck disable=SC2046
run 0 cc -std=c11 -Wall -Werror scores.c -o scores $(pkg-config --cflags --libs prefkit)
run 0 ./scores
cp stdout own_score
echo '{"prompt": "How do I boil an egg?", "response": "Seven minutes."}' |
    prefkit score --rm help=help --precision fp32 --quiet >scored.jsonl
sed 's/.*"help":\([-0-9.e]*\).*/\1/' scored.jsonl >theirs
must cmp own_score theirs

t "uninstall takes it all away"
run 0 make -s -C "$REPO" uninstall PREFIX="$prefix"
must test -z "$(find usr -type f)"
