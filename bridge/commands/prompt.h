/* Asks a person at the terminal for a secret. */
#ifndef BRIDGE_COMMANDS_PROMPT_H
#define BRIDGE_COMMANDS_PROMPT_H

#include "bridge/base/attr.h"
#include "bridge/base/err.h"

/* Prints `text` on the terminal and reads one line without echo. New, the caller wipes it. NULL: no
 * terminal (class ERR_CONFIG), or the person gave up or gave nothing (class ERR_REJECT). Blocks. */
char *prompt_secret(const char *text, struct err *e) MUST_CHECK;

#endif
