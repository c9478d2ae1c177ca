/* State shared by all start-up codes. */
#include "relay_harness.h"

volatile uint32_t relay_job;
volatile uint64_t relay_ticks;
relay_time_t relay_started;
relay_time_t relay_overhead;
#if defined(RELAY_TIMER_SYSTICK)
volatile uint32_t relay_systick_wraps;
#endif
