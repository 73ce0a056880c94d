/* The commands of the program. argv[0] is the command's own name. Each prints its results to
 * standard output, its errors to standard error, and returns the exit code: 0 done, 1 failed, 2
 * wrong usage or configuration, 75 try again later. */
#ifndef BRIDGE_COMMANDS_COMMANDS_H
#define BRIDGE_COMMANDS_COMMANDS_H

#define DEFAULT_CONFIG_FILE "/etc/itsm-bridge/itsm-bridge.cfg"

/* run: the daemon. */
int cmd_run(int argc, char **argv);

/* map: shows what becomes of messages; no network. */
int cmd_map(int argc, char **argv);

/* setup: makes on the instance what a connection needs. */
int cmd_setup(int argc, char **argv);

/* check: the installation checklist. */
int cmd_check(int argc, char **argv);

/* explain: cause and cure of short codes. */
int cmd_explain(int argc, char **argv);

/* login: gets tokens and stores them; logout: revokes and removes them. */
int cmd_login(int argc, char **argv);
int cmd_logout(int argc, char **argv);

/* resync: a table again, or what the instance has of configuration. Kafka only. */
int cmd_resync(int argc, char **argv);

/* sync show | set: positions of the tables. Kafka only. */
int cmd_sync(int argc, char **argv);

/* status: what the running bridge does, by its status server. */
int cmd_status(int argc, char **argv);

/* config print | reference | check: works without network. */
int cmd_config(int argc, char **argv);

#endif
