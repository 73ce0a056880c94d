/* The text of bridge/before-update-rule.js, put into the program when it is built. */
#ifndef BRIDGE_COMMANDS_BEFORE_UPDATE_RULE_H
#define BRIDGE_COMMANDS_BEFORE_UPDATE_RULE_H

extern const char before_update_rule[];

#endif
