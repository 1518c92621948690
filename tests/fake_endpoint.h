/* An OpenAI-compatible endpoint for tests, with every fault that a real one
 * may have. The first part of a URL's path says which:
 * http://127.0.0.1:PORT/drop/v1 breaks off in the middle of a response. */
#ifndef PREFKIT_TESTS_FAKE_ENDPOINT_H
#define PREFKIT_TESTS_FAKE_ENDPOINT_H

/* Listen on a free port of the loopback address, *port. The socket, or -1. */
int fake_endpoint_listen(int *port);

/* Serve for ever, a process for each connection. */
void fake_endpoint_serve(int listener) __attribute__((noreturn));

#endif
