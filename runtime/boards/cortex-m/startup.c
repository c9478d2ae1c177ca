/*
 * Start-up of a Cortex-M: vectors, memory initialisation, FPU, and a fault handler that leaves a record for the probe.
 * The stack lies at the bottom of RAM, so an overflow leaves RAM and faults instead of overwriting data.
 */
#include "relay_bare_metal.h"

extern uint32_t __ram_end[];

void relay_fault_entry(void);
void relay_systick(void);

/* Read by the probe after a stop at relay_fault. */
struct {
  uint32_t pc, lr, xpsr, cfsr, hfsr, bfar, mmfar, frame_valid;
} relay_fault_record;

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    __stack_top,       Reset_Handler,     relay_fault_entry, relay_fault_entry, relay_fault_entry, relay_fault_entry,
    relay_fault_entry, relay_fault_entry, relay_fault_entry, relay_fault_entry, relay_fault_entry, relay_fault_entry,
    relay_fault_entry, relay_fault_entry, relay_fault_entry, relay_systick,
};

__attribute__((naked, used)) void Reset_Handler(void) {
  __asm volatile(
      "cpsid i\n"
      "ldr r0, =__stack_top\n"
      "mov sp, r0\n"
      "ldr r0, =relay_start\n"
      "bx r0\n");
}

__attribute__((used, noreturn)) void relay_start(void) {
  *(volatile uint32_t *)0xe000ed08u = (uint32_t)vectors;
  /* Separate handlers for memory, bus and usage faults are not needed: all escalate to the one handler. */
#if defined(__ARM_FP)
  *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20;
  __asm volatile("dsb\n isb" ::: "memory");
#endif
  relay_prepare_memory();
#if defined(RELAY_TIMER_SYSTICK)
  __asm volatile("cpsie i");
#endif
  relay_go();
}

__attribute__((naked, used)) void relay_fault_entry(void) {
  __asm volatile(
      "mov r0, lr\n"
      "movs r1, #4\n"
      "tst r0, r1\n"
      "bne 1f\n"
      "mrs r0, msp\n"
      "b 2f\n"
      "1: mrs r0, psp\n"
      "2: ldr r1, =__stack_top\n"
      "mov sp, r1\n"
      "ldr r1, =relay_record_fault\n"
      "bx r1\n");
}

__attribute__((used)) void relay_record_fault(const uint32_t *frame) {
  /* A frame outside RAM was never written; reading it would lock the core up. */
  uint32_t valid = frame >= __stack_bottom && frame + 8 <= __ram_end;
  relay_fault_record.frame_valid = valid;
  relay_fault_record.lr = valid ? frame[5] : 0;
  relay_fault_record.pc = valid ? frame[6] : 0;
  relay_fault_record.xpsr = valid ? frame[7] : 0;
  relay_fault_record.cfsr = *(volatile uint32_t *)0xe000ed28u;
  relay_fault_record.hfsr = *(volatile uint32_t *)0xe000ed2cu;
  relay_fault_record.mmfar = *(volatile uint32_t *)0xe000ed34u;
  relay_fault_record.bfar = *(volatile uint32_t *)0xe000ed38u;
  relay_fault();
}

__attribute__((used)) void relay_systick(void) {
#if defined(RELAY_TIMER_SYSTICK)
  relay_systick_wraps++;
#endif
}
