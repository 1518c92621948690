/* tests/fake_endpoint.c as a program, for the scripts: it prints its port, and
 * serves until it is killed or whoever started it has gone. */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "tests/fake_endpoint.h"

int main(void)
{
    int port, fd = fake_endpoint_listen(&port);
    if (fd < 0)
        return 1;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    printf("%d\n", port);
    fflush(stdout);
    fake_endpoint_serve(fd);
}
