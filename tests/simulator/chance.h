/* chance: numbers that look random and are the same for the same seed, so that a run can be had
 * again. */
#ifndef TESTS_SIMULATOR_CHANCE_H
#define TESTS_SIMULATOR_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct chance {
    uint64_t state; /* any value is a good seed */
};

/* SplitMix64: every 64-bit number once before any comes again. */
static inline uint64_t chance_next(struct chance *chance)
{
    chance->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = chance->state;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

/* 0 to bound - 1; assumed bound > 0. */
static inline uint32_t chance_below(struct chance *chance, uint32_t bound)
{
    return (uint32_t)((chance_next(chance) >> 32) * bound >> 32);
}

/* True in `times` of `of` cases. */
static inline bool chance_is(struct chance *chance, uint32_t times, uint32_t of)
{
    return chance_below(chance, of) < times;
}

#endif
