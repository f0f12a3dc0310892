/* meter: what the switch and this program used of the processors, between two instants of a run.
 *
 * A thread of its own sleeps until each instant and reads the switch's /metrics, so that the run is
 * not held up.  The switch's CPU time is what its own process says (process_cpu_seconds_total): the
 * whole program, with the embedded broker where there is one.
 * Possible failures: no metrics port, or no answer from it; then the figures of the switch are
 * missing and words says why. */
#ifndef LOADTEST_LOAD_METER_H
#define LOADTEST_LOAD_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/fault.h"
#include "proto/base/span.h"
#include "proto/config/config.h"

#define METER_WORDS_BYTES 128

struct meter_figures {
    bool has_switch;
    char words[METER_WORDS_BYTES]; /* why not; with a zero */
    int64_t switch_cpu_us;         /* the rest: between the two instants */
    uint64_t switch_settled;       /* payments that it settled */
    uint64_t switch_blocks;        /* commits of its ledger */
    uint64_t switch_signed;        /* messages that it built and signed */
    uint64_t switch_resident;      /* bytes, at the second instant */
    int64_t own_cpu_us;            /* of this program */
};

struct meter;

/* "http://HOST:PORT", with or without a path behind it, which is not looked at. */
MUST_CHECK bool meter_parse_url(const char *url, struct config_address *address);

/* The switch's /metrics now.  Blocks, at most some seconds.  NULL: *body lies in `text`, of `size`
 * bytes, with a zero behind it.  Else why there is none, static. */
#define METER_TEXT_BYTES (256 * 1024) /* it has about 5 KiB */
MUST_CHECK const char *meter_get(const struct config_address *address, char *text, size_t size,
                                 struct span *body);

/* The value of a sample without labels in Prometheus' text format; false: there is none. */
MUST_CHECK bool meter_find(struct span text, const char *name, double *value);

/* Both instants on time_monotonic_ns.  `address` may be off, and is copied.  On FAULT_NONE *out is
 * the caller's until meter_finish.  FAULT_MEMORY: no memory, or no thread. */
MUST_CHECK enum fault meter_start(struct meter **out, const struct config_address *address,
                                  int64_t first_ns, int64_t second_ns);

/* Waits for the second reading (at most some seconds beyond its instant) and frees the meter. */
void meter_finish(struct meter *meter, struct meter_figures *figures);

#endif
