/* Starts, watches and ends the demo's children, always by process id. Between fork and exec only
 * calls that are safe there: librdkafka's threads may hold locks. */
#include "tests/demo/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bridge/base/xalloc.h"

static NO_RETURN void become(int out, pid_t parent, char *const argv[])
{
    int none = open("/dev/null", O_RDONLY);

    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent && none >= 0 && dup2(none, 0) == 0 && dup2(out, 1) == 1 &&
        dup2(out, 2) == 2)
        execv(argv[0], argv);
    _exit(127);
}

int child_start(struct child *c, const char *name, const char *log, char *const argv[],
                struct err *e)
{
    pid_t parent = getpid();
    int out = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    pid_t pid;

    if (out < 0)
        return err_set(e, ERR_FATAL, "demo-log", "The log file %s cannot be made: %s", log,
                       strerror(errno));
    pid = fork();
    if (pid == 0)
        become(out, parent, argv);
    (void)close(out);
    if (pid < 0)
        return err_set(e, ERR_FATAL, "demo-fork", "%s cannot be started: %s", name,
                       strerror(errno));
    *c = (struct child){.name = xstrdup(name), .log = xstrdup(log), .pid = pid, .started = true};
    return 0;
}

bool child_runs(struct child *c)
{
    int status;

    if (c->pid == 0)
        return false;
    if (waitpid(c->pid, &status, WNOHANG) != c->pid)
        return true;
    c->status = status;
    c->pid = 0;
    c->ended = true;
    return false;
}

bool child_stop(struct child *c, usec_t limit)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    usec_t end = clock_now() + limit;
    bool forced = false;

    if (child_runs(c))
        (void)kill(c->pid, SIGTERM);
    while (child_runs(c)) {
        if (!forced && clock_now() > end) {
            forced = true;
            (void)kill(c->pid, SIGKILL);
        }
        (void)nanosleep(&pause, NULL);
    }
    return c->ended && !forced && WIFEXITED(c->status) && WEXITSTATUS(c->status) == 0;
}

char *child_end(const struct child *c)
{
    if (!c->ended)
        return xstrdup("still running");
    if (WIFSIGNALED(c->status))
        return xasprintf("signal %d (%s)", WTERMSIG(c->status), strsignal(WTERMSIG(c->status)));
    return xasprintf("exit code %d", WEXITSTATUS(c->status));
}

void child_done(struct child *c)
{
    free(c->name);
    free(c->log);
    *c = (struct child){0};
}
