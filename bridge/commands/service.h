/* What the service manager is told (systemd: sd_notify(3), sd_watchdog_enabled(3)): that the
 * process is up, in words what it does or waits for, that the loop is alive, that it stops. Nothing
 * happens where no manager listens, or the build has no libsystemd. Loop thread only. */
#ifndef BRIDGE_COMMANDS_SERVICE_H
#define BRIDGE_COMMANDS_SERVICE_H

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"

struct service;

struct service *service_new(void) MUST_CHECK;
struct service *service_free(struct service *s); /* NULL is fine; returns NULL */

/* To be called in each turn. The first call says that the process is up: an instance or a broker
 * that is down does not make a start fail, the bridge waits for it. Then pings the watchdog at half
 * the interval that the manager wants. Returns the next deadline. */
usec_t service_tick(struct service *s, usec_t now);

/* One line for people; told only when it differs from the last one. */
void service_status(struct service *s, const char *text);

/* The process stops, and may take `most` for it. */
void service_stopping(struct service *s, usec_t most);

#endif
