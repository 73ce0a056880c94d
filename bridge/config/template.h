/* The template language of rules, its form: what the parts mean is in consumers/render.h.
 *
 *     {title}                                a field (field.h), nothing when the alert lacks it
 *     {label.host|default:unknown|upper}     filters, from left to right
 *     {ci|join:"; "}  {fired|date:"%d.%m."}  arguments with blanks in quotes, "..." or '...'
 *     {{ and }}                              braces
 *
 * Filters: default:TEXT when there is nothing so far; cut:N to at most N characters; upper and
 * lower (ASCII letters); trim blanks at both ends; join:TEXT between the values of a list (else
 * ", "); date:FORM of a time in UTC (%Y %m %d %H %M %S %y %j %F %T %%). join and date come first.
 * There are no loops, no variables and no code: a template does as many steps as it has parts.
 * Pure, any thread. */
#ifndef BRIDGE_CONFIG_TEMPLATE_H
#define BRIDGE_CONFIG_TEMPLATE_H

#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/config/field.h"

#define TEMPLATE_TEXT_MAX    ((size_t)8192)
#define TEMPLATE_FILTERS_MAX ((size_t)16)
#define TEMPLATE_CUT_MAX     4000

enum template_op {
    TEMPLATE_DEFAULT,
    TEMPLATE_CUT,
    TEMPLATE_UPPER,
    TEMPLATE_LOWER,
    TEMPLATE_TRIM,
    TEMPLATE_JOIN,
    TEMPLATE_DATE,
};

struct template_filter {
    enum template_op op;
    char *text; /* DEFAULT, JOIN, DATE; owned */
    size_t number;
};

struct template_piece {
    char *literal; /* NULL: a field; owned */
    struct field field;
    struct template_filter filters[TEMPLATE_FILTERS_MAX];
    size_t filters_count;
};

struct template
{
    struct template_piece *pieces;
    size_t count;
};

/* NULL with e (code `template` or `field`): the text names the position, in characters from 1. */
struct template *template_new(const char *text, struct err *e) MUST_CHECK;
struct template *template_free(struct template *t); /* NULL is fine; returns NULL */

#endif
