/*
 * What the start-up codes of processors without an operating system share; included once, by the start-up code. It
 * defines relay_fault_record before, and calls relay_prepare_memory and then relay_go from its entry.
 */
#ifndef RELAY_BARE_METAL_H
#define RELAY_BARE_METAL_H

#include "relay_harness.h"

extern uint32_t __stack_bottom[], __stack_top[];
extern uint32_t __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[];

void relay_ready(void);
void relay_exit(void);
void relay_fault(void);
void Reset_Handler(void);

/* What a run leaves of it was never in use: `stackUsed` in boards/src/runner.ts looks for these bytes. */
#define STACK_PAINT 0xa5a5a5a5u

/* Initialised variables, cleared variables, and the paint on the part of the stack that is not in use. */
static inline __attribute__((always_inline)) void relay_prepare_memory(void) {
  if (__data_load != __data_start)
    for (uint32_t *to = __data_start, *from = __data_load; to < __data_end;) *to++ = *from++;
  for (uint32_t *to = __bss_start; to < __bss_end;) *to++ = 0;
  uint32_t *here;
#if defined(__riscv)
  __asm volatile("mv %0, sp" : "=r"(here));
#else
  __asm volatile("mov %0, sp" : "=r"(here));
#endif
  for (uint32_t *to = __stack_bottom; to < here; to++) *(volatile uint32_t *)to = STACK_PAINT;
}

static inline __attribute__((always_inline, noreturn)) void relay_go(void) {
  relay_timer_start();
  relay_calibrate();
  relay_ready();
  for (;;) {
  }
}

/* The probe starts every run here, with the stack pointer at the top. */
__attribute__((noinline, used)) void relay_ready(void) {
  relay_run_job(relay_job);
  relay_exit();
}

__attribute__((noinline, used)) void relay_exit(void) {
  for (;;) __asm volatile("" ::: "memory");
}

/* Where a fault ends, after the handler has filled relay_fault_record. */
__attribute__((noinline, used)) void relay_fault(void) {
  for (;;) __asm volatile("" ::: "memory");
}

/* The C library asks for it; there is nothing to end. */
__attribute__((used)) void _exit(int status) {
  (void)status;
  relay_exit();
  for (;;) {
  }
}

#endif
