/* Checks of texts in rules that say where in the text something is wrong. NULL when the text is
 * fine, else a new half sentence. Inside bridge/config only. */
#ifndef BRIDGE_CONFIG_CONFIG_RULES_H
#define BRIDGE_CONFIG_CONFIG_RULES_H

#include "bridge/base/attr.h"

char *config_explain_template(const char *text) MUST_CHECK;
char *config_explain_field(const char *text) MUST_CHECK;
char *config_explain_regex(const char *text) MUST_CHECK;
char *config_explain_zone(const char *text) MUST_CHECK;

#endif
