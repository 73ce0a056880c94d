#ifndef SIM_EVENTS_H
#define SIM_EVENTS_H

#include "tests/simulator/sim.h"

/* Makes alerts of all events that wait, at once; by itself it runs alert_job_ms after events came.
 */
void events_job(struct sim *sim);

#endif
