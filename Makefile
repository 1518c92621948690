# One Makefile for everything; `make help` lists the targets.
MODE   ?= release
CC     := $(if $(filter default,$(origin CC)),gcc,$(CC))
PREFIX ?= /usr/local
# `make MPI=1`: train over several machines, in a build of its own.
MPI    ?= 0
B      := build/$(MODE)$(if $(filter 1,$(MPI)),-mpi)
ROOMS  := common infer prefdb rm annotate

# OpenBLAS's OpenMP build, by name: where its pthread build is installed too,
# Debian gives that the plain names when we compile and at run time both, and a
# second pool of threads would work against ours.
BLAS := $(firstword $(wildcard /usr/lib/*/openblas-openmp))
PKG_CONFIG := PKG_CONFIG_PATH=$(BLAS)/pkgconfig:$$PKG_CONFIG_PATH pkg-config
PKGS := sqlite3 libcjson zlib libcrypto libutf8proc ncursesw
# Loaded when they are needed (common/late.h): not linked.
LATE := openblas libcurl libmicrohttpd
STD  := -std=c11 -D_GNU_SOURCE -I. -I$(B) -fopenmp
NUM  := -fno-math-errno -ffp-contract=off # never -Ofast or -ffast-math
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion \
        -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla \
        -Wpointer-arith -Wundef -Wformat=2 -Wdouble-promotion
OPT_release := -O3 -g
OPT_debug   := -Og -g3 -DDEBUG
SAN         := -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_asan    := -O1 -g -DDEBUG -fsanitize=address,undefined $(SAN)
# gcc 12's ASan now and then takes its own frame at a thread's end, where it
# gives the signal stack back, for an overflow: do without that stack. And its
# leak finder crashes on variables of threads in libraries that were loaded late
# (oneDNN, where the processor multiplies bf16): they are nothing to look at.
ASAN        := use_sigaltstack=0:intercept_tls_get_addr=0
OPT_fuzz    := -O1 -g -DDEBUG -fsanitize=fuzzer-no-link,address,undefined $(SAN)
$(if $(OPT_$(MODE)),,$(error MODE must be release, debug, asan or fuzz))

# MPI's own header is not for our warnings.
MPI_CFLAGS_1 = -DPREFKIT_MPI $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags ompi-c))
MPI_LIBS_1   = $(shell $(PKG_CONFIG) --libs ompi-c)

# Products in bf16; `make ONEDNN=0` builds without them.
ONEDNN ?= 1
DNN_CFLAGS_1 = -DPREFKIT_ONEDNN

ALL_CFLAGS = $(STD) $(NUM) $(WARN) $(OPT_$(MODE)) $(MPI_CFLAGS_$(MPI)) \
             $(DNN_CFLAGS_$(ONEDNN)) \
             $(shell $(PKG_CONFIG) --cflags $(PKGS) $(LATE)) $(CFLAGS)
LIBS       = $(shell $(PKG_CONFIG) --libs $(PKGS)) $(MPI_LIBS_$(MPI)) \
             -lm -ldl $(BLAS:%=-Wl,-rpath,%)
CHECK_LIBS = $(shell $(PKG_CONFIG) --libs check)

LIB_SRC  := $(sort $(wildcard $(ROOMS:%=%/*.c) $(ROOMS:%=%/*/*.c)))
TEST_SRC := $(sort $(wildcard tests/test_*.c))
HELP_OBJ := $(patsubst %.c,$(B)/%.o,$(filter-out $(TEST_SRC),$(wildcard tests/*.c)))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
LIB_OBJ  := $(LIB_SRC:%.c=$(B)/%.o)
TESTS    := $(TEST_SRC:%.c=$(B)/%)
FUZZERS  := $(FUZZ_SRC:%.c=$(B)/%)
PROG     := $(B)/prefkit
# Programs that the end-to-end scripts talk to.
FAKE     := $(B)/tests/tui/fake_endpoint
CLIENT   := $(B)/tests/client/serve_client
SCHEMAS  := $(B)/tests/client/schema_check
HELPERS  := $(FAKE) $(CLIENT) $(SCHEMAS)
VERSION  := $(shell sed -n 's/.*PK_VERSION "\(.*\)"/\1/p' common/version.h)
DEST      = $(DESTDIR)$(PREFIX)
FORMATTED = $(wildcard *.c $(foreach d,$(ROOMS) tests,$d/*.[ch] $d/*/*.[ch]))

# `make V=1` shows the commands.
say = $(if $(V),,@echo "  $1  $@"; )

.DELETE_ON_ERROR:
.PHONY: all suites check check-cli test asan fuzz lint tidy format bench-core bench-stream bench-score bench-generate bench-train bench-store bench-annotate install uninstall clean help FORCE

all: $(PROG)              ## build the program: build/release/prefkit (default)
test: check check-cli     ## every test: the Check suites, then the end-to-end scripts
suites: $(TESTS) $(HELPERS)  ## build the Check suites
check: suites             ## the Check suites
	@scripts/run_suites.sh $(TESTS)
check-cli: $(PROG) $(HELPERS) ## the end-to-end scripts, on the program
	@tests/cli/run.sh $(PROG)
asan:                     ## the Check suites under ASan and UBSan
	ASAN_OPTIONS=$(ASAN) $(MAKE) MODE=asan check
fuzz:                     ## build the fuzz targets for libFuzzer (clang)
	$(MAKE) MODE=fuzz CC=clang fuzzers
fuzzers: $(FUZZERS)
lint:                     ## who includes whom, formatting, clang-tidy, shellcheck
	@scripts/lint.sh $(B)
# A file is looked at again when it, or a header of it, has changed: that is when
# its object is new. tests/ are left to the compiler: Check's macros trip half
# the checks.
TIDY = $(patsubst %.c,$(B)/tidy/%.ok,$(filter-out tests/%,$(LIB_SRC) prefkit.c))
tidy: $(TIDY)
$(TIDY): $(B)/tidy/%.ok: %.c .clang-tidy $(B)/%.o
	@mkdir -p $(@D)
	$(call say,TIDY)clang-tidy --quiet $< -- $(STD) $(DNN_CFLAGS_$(ONEDNN)) \
	    $(shell $(PKG_CONFIG) --cflags $(PKGS) $(LATE)) 2>/dev/null && touch $@
format:                   ## put every source file into the house's format
	clang-format -i $(FORMATTED)
bench-core: $(B)/tests/bench/bench_core $(B)/tests/bench/bench_tokenize ## the core against the machine's limits, N="110M 1.1B 7B" shapes
	@$(B)/tests/bench/bench_tokenize
	@$< $(N)
bench-stream: $(PROG) $(B)/tests/bench/bench_stream ## a model read layer by layer against the same in memory, N="1.1B 2048" shape and tokens
	@scripts/bench_stream.sh $^ $(N)
bench-score: $(B)/tests/bench/bench_score ## batch scoring against the machine's limit; N="100 110M bf16" rows, model, precision
	@$< $(N)
bench-train: $(B)/tests/bench/bench_train ## training against the limits; N="110M shared 1.1B 7B" which
	@scripts/bench_train.sh $< $(N)
bench-generate: $(B)/tests/bench/bench_generate ## decoding by batch; N="110M 256 16" model, context and steps
	@$< $(N)
bench-store: $(PROG) $(B)/tests/bench/bench_store ## the store's speed, N="30000 300000" rows
	@scripts/bench_store.sh $^ $(N)
bench-annotate: $(PROG) $(B)/tests/bench/bench_annotate $(B)/tests/bench/bench_store ## a labeler's waiting, N=1000000 comparisons
	@scripts/bench_annotate.sh $^ $(N)
install: all              ## the program, the library and the rooms' doors, under DESTDIR and PREFIX
	install -d $(DEST)/bin $(DEST)/lib/pkgconfig $(DEST)/include/prefkit/common $(DEST)/include/prefkit/infer \
	    $(DEST)/include/prefkit/prefdb $(DEST)/include/prefkit/rm
	install -m 755 $(PROG) $(DEST)/bin
	install -m 644 $(B)/libprefkit.a $(DEST)/lib
	install -m 644 common/err.h $(DEST)/include/prefkit/common
	for d in infer prefdb rm; do install -m 644 $$d/$$d*.h $(DEST)/include/prefkit/$$d; done
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@LIBS@|$(LIBS)|' \
	    scripts/prefkit.pc.in > $(DEST)/lib/pkgconfig/prefkit.pc
uninstall:                ## take away what install put there
	rm -rf $(DEST)/bin/prefkit $(DEST)/lib/libprefkit.a $(DEST)/lib/pkgconfig/prefkit.pc \
	    $(DEST)/include/prefkit
clean:                    ## remove build/
	rm -rf build
help:                     ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile

# The schema and the report's style sheet, compiled into the program.
$(B)/%.inc: %.sql
	$(into_c)
$(B)/%.inc: %.css
	$(into_c)
define into_c
	@mkdir -p $(@D)
	$(call say,TEXT)sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $< > $@
endef
TEXTS := $(wildcard schemas/*.sql rm/report/*.css)
$(LIB_OBJ) lint: $(addprefix $(B)/,$(addsuffix .inc,$(basename $(TEXTS))))

$(B)/libprefkit.a: $(LIB_OBJ)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^
$(PROG): $(B)/prefkit.o $(B)/libprefkit.a
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
# What suites share (tests/*.c that is no suite) is a library of its own.
$(B)/tests/libsupport.a: $(HELP_OBJ)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^
$(B)/tests/test_%: $(B)/tests/test_%.o $(B)/tests/libsupport.a $(B)/libprefkit.a
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(CHECK_LIBS) $(LIBS)
$(B)/tests/test_annotate_kill: | $(PROG) # runs it
$(B)/tests/test_prefdb_import: private LDFLAGS += -Wl,--wrap=pk_calloc
$(FAKE): $(B)/tests/tui/fake_endpoint.o $(B)/tests/libsupport.a
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(CHECK_LIBS) $(LIBS)
$(SCHEMAS): $(B)/tests/client/schema_check.o $(B)/tests/libsupport.a $(B)/libprefkit.a
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(CHECK_LIBS) $(LIBS)
$(B)/tests/bench/%: $(B)/tests/bench/%.o $(B)/tests/libsupport.a $(B)/libprefkit.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
# What a step's time goes to, by stopwatches that the linker puts in.
TIMED := infer_linear infer_linears infer_linears_backward infer_linear_dx infer_linear_dw infer_to_bf16 \
         infer_attention_forward infer_attention_backward infer_gemm_block \
         infer_tiles_scores infer_tiles_values infer_tiles_dvalues infer_tiles_add \
         infer_rmsnorm infer_rmsnorm_backward infer_swiglu \
         infer_swiglu_backward infer_rope infer_copy infer_gather infer_scatter_add \
         infer_adapter_forward infer_adapter_backward_w \
         infer_adapter_backward_x rm_norm rm_adamw_update rm_fill
$(B)/tests/bench/bench_train: $(B)/tests/bench/bench_train.o \
    $(B)/tests/bench/train_kinds.o $(B)/libprefkit.a
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(TIMED:%=-Wl,--wrap=%) -o $@ $^ $(LIBS)
$(CLIENT): $(B)/tests/client/serve_client.o $(B)/libprefkit.a
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/tests/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(B)/libprefkit.a
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)
$(B)/%.o: %.c $(B)/.flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
# A product and its sum in one instruction: thin.h says what that means.
$(B)/infer/math/thin.o: private NUM += -ffp-contract=fast
# Both branches of a choice are computed, else AVX2 could not take the loop.
$(B)/infer/math/simd.o: private NUM += -fno-trapping-math
# Rebuild when the flags change.
$(B)/.flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || \
	    echo '$(CC) $(ALL_CFLAGS)' > $@
.PRECIOUS: $(B)/%.o
-include $(shell find $(B) -name '*.d' 2>/dev/null)
