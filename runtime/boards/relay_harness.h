/*
 * What a program that a board runs for a debug probe looks like. The start-up code initialises memory and stops at
 * relay_ready; the probe writes relay_job and the inputs, and lets it go on to relay_exit, where it reads the outputs.
 */
#ifndef RELAY_HARNESS_H
#define RELAY_HARNESS_H

#include <stdint.h>

/* Written by the probe before a run: which job to do. */
extern volatile uint32_t relay_job;
/* Ticks of the board's timer between relay_begin and relay_end of the last run, without the cost of reading it. */
extern volatile uint64_t relay_ticks;

/* Supplied by the program: does one job, with relay_begin and relay_end around what is to be timed. */
void relay_run_job(uint32_t job);

#if defined(__riscv)
/* Control registers are an extension of their own to the assembler; C libraries are not built for that name. */
__asm(".option arch, +zicsr\n");
#endif

#if defined(RELAY_TIMER_CMSDK)
/* CMSDK APB timer: CTRL +0, VALUE +4 (counts down), RELOAD +8. */
typedef uint32_t relay_time_t;
#define RELAY_TIMER_WORD(offset) (*(volatile uint32_t *)(RELAY_TIMER_CMSDK + (offset)))
static inline void relay_timer_start(void) {
  RELAY_TIMER_WORD(0) = 0;
  RELAY_TIMER_WORD(8) = 0xffffffffu;
  RELAY_TIMER_WORD(4) = 0xffffffffu;
  RELAY_TIMER_WORD(0) = 1;
}
/* Starting over puts every timed region at the same phase of the timer, so that counts repeat exactly. */
static inline void relay_timer_restart(void) { RELAY_TIMER_WORD(4) = 0xffffffffu; }
static inline relay_time_t relay_timer_now(void) { return ~RELAY_TIMER_WORD(4); }
#define RELAY_TIMER_RESTARTS 1

#elif defined(RELAY_TIMER_DWT)
/* Cycle counter of the data watchpoint unit; needs trace enabled in DEMCR and, on a Cortex-M7, the lock opened. */
typedef uint32_t relay_time_t;
static inline void relay_timer_start(void) {
  *(volatile uint32_t *)0xe000edfcu |= 1u << 24;
  *(volatile uint32_t *)0xe0001fb0u = 0xc5acce55u;
  *(volatile uint32_t *)0xe0001004u = 0;
  *(volatile uint32_t *)0xe0001000u |= 1u;
}
static inline relay_time_t relay_timer_now(void) { return *(volatile uint32_t *)0xe0001004u; }

#elif defined(RELAY_TIMER_SYSTICK)
/* SysTick counts down 24 bits on the core clock; its exception counts the wraps. */
typedef uint64_t relay_time_t;
extern volatile uint32_t relay_systick_wraps;
static inline void relay_timer_start(void) {
  *(volatile uint32_t *)0xe000e014u = 0xffffffu;
  *(volatile uint32_t *)0xe000e018u = 0;
  *(volatile uint32_t *)0xe000e010u = 7;
}
static inline relay_time_t relay_timer_now(void) {
  uint32_t wraps, value;
  do {
    wraps = relay_systick_wraps;
    value = *(volatile uint32_t *)0xe000e018u;
  } while (wraps != relay_systick_wraps);
  return ((uint64_t)wraps << 24) + (0xffffffu - value);
}

#elif defined(RELAY_TIMER_MINSTRET)
/* RISC-V's count of retired instructions; 32 bits of it are enough for a run. */
typedef uint32_t relay_time_t;
static inline void relay_timer_start(void) {}
static inline relay_time_t relay_timer_now(void) {
  relay_time_t now;
  __asm volatile("csrr %0, minstret" : "=r"(now));
  return now;
}

#else
/* Monotonic clock of the operating system, in nanoseconds. */
#include <time.h>
typedef uint64_t relay_time_t;
static inline void relay_timer_start(void) {}
static inline relay_time_t relay_timer_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
#endif

#if !defined(RELAY_TIMER_RESTARTS)
static inline void relay_timer_restart(void) {}
#endif

extern relay_time_t relay_started;
extern relay_time_t relay_overhead;

/* The barriers keep loads and stores of the timed code between the two readings. */
static inline void relay_begin(void) {
  __asm volatile("" ::: "memory");
  relay_timer_restart();
  relay_started = relay_timer_now();
  __asm volatile("" ::: "memory");
}

static inline void relay_end(void) {
  __asm volatile("" ::: "memory");
  relay_time_t taken = (relay_time_t)(relay_timer_now() - relay_started);
  relay_ticks = taken > relay_overhead ? taken - relay_overhead : 0;
}

/* Learns what an empty timed region costs: the least of a few, because the first may run from cold memory. */
static inline void relay_calibrate(void) {
  relay_time_t least = (relay_time_t)-1;
  relay_overhead = 0;
  for (int i = 0; i < 8; i++) {
    relay_begin();
    relay_end();
    if ((relay_time_t)relay_ticks < least) least = (relay_time_t)relay_ticks;
  }
  relay_overhead = least;
}

#endif
