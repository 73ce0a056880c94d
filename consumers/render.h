/* What a template (bridge/config/template.h) makes of an alert. Pure; the work is bounded by the
 * length of the template and RENDER_MAX, whatever the alert holds. */
#ifndef CONSUMERS_RENDER_H
#define CONSUMERS_RENDER_H

#include "bridge/base/attr.h"
#include "bridge/config/template.h"
#include "consumers/alert.h"

#define RENDER_MAX ((size_t)16 * 1024) /* bytes; what is more is left out, no column holds it */

/* New text, UTF-8 when the alert is. Every field becomes one line, so that what comes from outside
 * cannot forge another one; the description alone keeps its lines. */
char *render(const struct template *t, const struct alert *a) MUST_CHECK;

#endif
