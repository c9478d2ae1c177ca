/* Included before everything else in a profiling build: notes the timer at each layer of a program's run. */
#ifndef RELAY_LAYERS_H
#define RELAY_LAYERS_H

#include "relay_harness.h"

extern volatile uint64_t relay_layer_times[];

#define RELAY_LAYER(i)                                        \
  do {                                                        \
    __asm volatile("" ::: "memory");                          \
    relay_layer_times[i] = relay_timer_now() - relay_started; \
    __asm volatile("" ::: "memory");                          \
  } while (0)

#endif
