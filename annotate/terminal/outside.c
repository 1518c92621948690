#include "annotate/terminal/outside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *program(void)
{
    const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");
    return visual && *visual ? visual : editor && *editor ? editor : "vi";
}

/* The words of $EDITOR are the shell's to take apart, the file's name is not.
 */
static _Noreturn void become(const char *path)
{
    char command[1024];
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    snprintf(command, sizeof command, "exec %.1000s \"$1\"", program());
    execl("/bin/sh", "sh", "-c", command, "sh", path, (char *)NULL);
    _exit(127);
}

static int run(const char *path, struct pk_err *err)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, was_int, was_quit;
    int status = 0;
    sigaction(SIGINT, &ignore, &was_int);
    sigaction(SIGQUIT, &ignore, &was_quit);
    pid_t pid = fork();
    if (pid == 0)
        become(path);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    sigaction(SIGINT, &was_int, NULL);
    sigaction(SIGQUIT, &was_quit, NULL);
    if (pid < 0)
        return pk_fail_errno(err, "cannot start the editor");
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return pk_fail(err, PK_EIO, "the editor '%.60s' failed", program());
    return 0;
}

static int write_out(int fd, const struct annotate__editor *e,
                     struct pk_err *err)
{
    for (size_t at = 0; at < e->text.len;) {
        ssize_t n = write(fd, e->text.data + at, e->text.len - at);
        if (n < 0)
            return pk_fail_errno(err, "cannot write the prompt's file");
        at += (size_t)n;
    }
    return 0;
}

/* Editors end a file with a line end that nobody has typed. */
static int read_back(const char *path, struct annotate__editor *e,
                     struct pk_err *err)
{
    FILE *f = fopen(path, "r");
    char *text = malloc(ANNOTATE__PROMPT_MAX);
    if (!f || !text) {
        if (f)
            fclose(f);
        free(text);
        return pk_fail(err, PK_EIO, "cannot read the prompt's file");
    }
    size_t n = fread(text, 1, ANNOTATE__PROMPT_MAX, f);
    fclose(f);
    if (n && text[n - 1] == '\n')
        n--;
    int rc = annotate__editor_set(e, text, n, err);
    free(text);
    return rc;
}

int annotate__outside(struct annotate__editor *e, struct pk_err *err)
{
    const char *tmp = getenv("TMPDIR");
    struct stat st;
    char dir[512], path[600];
    snprintf(dir, sizeof dir, "%.480s/prefkit-XXXXXX",
             tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) /* which nobody else can enter */
        return pk_fail_errno(err, "cannot make a folder for the prompt");
    snprintf(path, sizeof path, "%s/prompt.txt", dir);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    int rc = fd < 0 ? pk_fail_errno(err, "cannot make the prompt's file")
                    : write_out(fd, e, err);
    if (fd >= 0)
        close(fd);
    if (!rc)
        rc = run(path, err);
    if (!rc)
        rc = read_back(path, e, err);
    if (rc && err && stat(path, &st) == 0 && st.st_size) {
        (void)pk_err_suffix(err, "; what was written is in %s", path);
        return rc;
    }
    unlink(path);
    rmdir(dir);
    return rc;
}
