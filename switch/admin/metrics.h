/* metrics: `GET /metrics`, the switch's figures in Prometheus' text format 0.0.4.
 *
 * METRIC_LIST summed over the threads' blocks, how far the event stream is, what the process takes
 * from the machine, and cauce_build_info. */
#ifndef SWITCH_ADMIN_METRICS_H
#define SWITCH_ADMIN_METRICS_H

#include "proto/base/fault.h"
#include "proto/http/draft.h"
#include "switch/admin/facts.h"

#define METRICS_BYTES (16 * 1024) /* of one answer; its length hardly varies */
#define METRICS_TYPE SPAN("text/plain; version=0.0.4; charset=utf-8")

/* Appends all lines.  Fails the draft only when METRICS_BYTES has become too small. */
void metrics_write(const struct facts *facts, struct draft *draft);

#endif
