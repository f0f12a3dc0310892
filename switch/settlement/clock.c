/* Wall clock at the start + monotonic clock, slewed towards the wall clock, never backwards. */
#include "switch/settlement/clock.h"

#define MILLION INT64_C(1000000)

enum fault clock_start(struct clock *clock, int64_t wall_ns, int64_t monotonic_ns,
                       int64_t newest_ns, int64_t *behind_ns)
{
    *behind_ns = newest_ns > wall_ns ? newest_ns - wall_ns : 0;
    if (*behind_ns > CLOCK_BEHIND_MAX_NS) return FAULT_INVALID;

    int64_t const start_ns = wall_ns + *behind_ns;
    *clock = (struct clock){
        .offset_ns = start_ns - monotonic_ns, .monotonic_ns = monotonic_ns, .now_ns = start_ns};
    return FAULT_NONE;
}

int64_t clock_now_ns(struct clock *clock, int64_t wall_ns, int64_t monotonic_ns)
{
    int64_t const passed_ns = monotonic_ns - clock->monotonic_ns;
    if (passed_ns > 0) {
        int64_t const slew_max_ns =
            passed_ns / MILLION * CLOCK_SLEW_PPM + passed_ns % MILLION * CLOCK_SLEW_PPM / MILLION;
        int64_t const error_ns = wall_ns - (monotonic_ns + clock->offset_ns);
        if (error_ns > slew_max_ns) {
            clock->offset_ns += slew_max_ns;
        } else if (error_ns < -slew_max_ns) {
            clock->offset_ns -= slew_max_ns;
        } else {
            clock->offset_ns += error_ns;
        }
        clock->monotonic_ns = monotonic_ns;
    }
    int64_t const time_ns = monotonic_ns + clock->offset_ns;
    if (time_ns > clock->now_ns) clock->now_ns = time_ns;
    return clock->now_ns;
}
