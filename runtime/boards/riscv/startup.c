/*
 * Start-up of a RISC-V core in machine mode: memory initialisation, and a trap handler that leaves a record for the
 * probe. The stack lies at the bottom of RAM, below it is code.
 */
#include "relay_harness.h"

extern uint32_t __stack_bottom[], __stack_top[];
extern uint32_t __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[];

void relay_ready(void);
void relay_exit(void);
void relay_fault(void);
void Reset_Handler(void);
void relay_trap_entry(void);

#define STACK_PAINT 0xa5a5a5a5u

/* Read by the probe after a stop at relay_fault. */
struct {
  uint32_t pc, ra, mcause, mtval, unused[4];
} relay_fault_record;

/* An image starts with what the linker script calls vectors. */
__attribute__((naked, used, section(".vectors"))) void Reset_Handler(void) {
  __asm volatile(
      "csrw mie, zero\n"
      "la sp, __stack_top\n"
      "la tp, __tls_base\n"
      "la t0, relay_trap_entry\n"
      "csrw mtvec, t0\n"
      "j relay_start\n");
}

__attribute__((used, noreturn)) void relay_start(void) {
  if (__data_load != __data_start)
    for (uint32_t *to = __data_start, *from = __data_load; to < __data_end;) *to++ = *from++;
  for (uint32_t *to = __bss_start; to < __bss_end;) *to++ = 0;
  uint32_t *here;
  __asm volatile("mv %0, sp" : "=r"(here));
  for (uint32_t *to = __stack_bottom; to < here; to++) *(volatile uint32_t *)to = STACK_PAINT;
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

__attribute__((noinline, used)) void relay_fault(void) {
  for (;;) __asm volatile("" ::: "memory");
}

/* The direct mode of mtvec wants four bytes of alignment. */
__attribute__((naked, used, aligned(4))) void relay_trap_entry(void) {
  __asm volatile(
      "mv a0, ra\n"
      "la sp, __stack_top\n"
      "j relay_record_trap\n");
}

__attribute__((used)) void relay_record_trap(uint32_t ra) {
  uint32_t value;
  relay_fault_record.ra = ra;
  __asm volatile("csrr %0, mepc" : "=r"(value));
  relay_fault_record.pc = value;
  __asm volatile("csrr %0, mcause" : "=r"(value));
  relay_fault_record.mcause = value;
  __asm volatile("csrr %0, mtval" : "=r"(value));
  relay_fault_record.mtval = value;
  relay_fault();
}

/* A C library may ask for it; there is nothing to end. */
__attribute__((used)) void _exit(int status) {
  (void)status;
  relay_exit();
  for (;;) {
  }
}
