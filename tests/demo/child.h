/* Programs that the demo runs beside itself. Main thread. */
#ifndef DEMO_CHILD_H
#define DEMO_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/err.h"

struct child {
    char *name, *log; /* owned; the log is the file that its output goes to */
    pid_t pid;        /* 0: not running */
    int status;       /* as of waitpid, once it has ended */
    bool started, ended;
};

/* Starts argv[0], output into `log`, in a process group of its own (a Ctrl-C reaches the demo
 * alone, which then ends its children in order). The kernel ends the child should the demo die. */
int child_start(struct child *c, const char *name, const char *log, char *const argv[],
                struct err *e) MUST_CHECK;

/* Is it still running? Takes the exit status when it has just ended. */
bool child_runs(struct child *c);

/* SIGTERM, and SIGKILL when it has not ended after `limit`. Fine when it does not run. Returns true
 * when it ended by itself with exit code 0. */
bool child_stop(struct child *c, usec_t limit);

/* "exit code 1", "signal 11 (Segmentation fault)"; new. */
char *child_end(const struct child *c) MUST_CHECK;

void child_done(struct child *c);

#endif
