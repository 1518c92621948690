/* Where the time of a training step goes. The linker puts a stopwatch around
 * each function listed in train_kinds.c (--wrap; the Makefile has the same
 * list), so that what is measured is the program as it is. */
#ifndef PREFKIT_TESTS_BENCH_TRAIN_KINDS_H
#define PREFKIT_TESTS_BENCH_TRAIN_KINDS_H

enum kind {
    KIND_REST, /* what has no stopwatch: memory, embeddings, loss, shuffling */
    KIND_PRODUCTS,
    KIND_ROUNDING, /* to bf16, inside products */
    KIND_ATTENTION,
    KIND_ATTENTION_PRODUCTS, /* inside attention */
    KIND_NORMS,
    KIND_ELEMENTS, /* SwiGLU, rotary embedding, gathering of rows */
    KIND_ADAPTERS, /* what they do beside their products: dropout, scaling */
    KIND_ADAPTERS_PRODUCTS,
    KIND_OPTIMIZER,
    KIND_READING, /* building forests */
    KINDS
};

const char *kind_name(enum kind k);

/* From here on; and the seconds since, each counted in one kind. What threads
 * do side by side (rounding, attention's products) is their mean. */
void kinds_start(void);
void kinds_read(double seconds[KINDS]);

#endif
