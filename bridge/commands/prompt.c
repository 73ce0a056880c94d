/* The terminal itself, not standard input: a pipe there is no person. Signals of the keyboard are
 * off while it does not echo, so that no way out leaves it silent; Ctrl-C ends the line instead. */
#include "bridge/commands/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "bridge/base/xalloc.h"

#define LINE_MAX_BYTES 4096
#define CTRL_C         3

/* Bytes of the line with its end; 0: given up. */
static size_t read_line(int fd, char *line, size_t room)
{
    ssize_t n;

    do
        n = read(fd, line, room);
    while (n < 0 && errno == EINTR);
    return n <= 0 || line[n - 1] != '\n' ? 0 : (size_t)n;
}

static size_t ask(int fd, const char *text, char *line, size_t room)
{
    struct termios old, silent;
    size_t n = 0;

    if (tcgetattr(fd, &old) != 0)
        return 0;
    silent = old;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    silent.c_lflag |= ICANON | ECHONL;
    silent.c_cc[VEOL] = CTRL_C;
    if (tcsetattr(fd, TCSAFLUSH, &silent) == 0 && write(fd, text, strlen(text)) >= 0)
        n = read_line(fd, line, room);
    (void)tcsetattr(fd, TCSAFLUSH, &old);
    return n;
}

char *prompt_secret(const char *text, struct err *e)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    char line[LINE_MAX_BYTES], *secret = NULL;
    size_t n;

    if (fd < 0) {
        (void)err_set(e, ERR_CONFIG, "no-terminal", "there is no terminal to ask for it");
        return NULL;
    }
    n = ask(fd, text, line, sizeof line);
    if (n < 2)
        (void)err_set(e, ERR_REJECT, "given-up", "nothing was entered");
    else
        secret = xstrndup(line, n - 1);
    OPENSSL_cleanse(line, sizeof line);
    (void)close(fd);
    return secret;
}
