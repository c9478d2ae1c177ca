/*
 * Start-up of a RISC-V core in machine mode: memory initialisation, and a trap handler that leaves a record for the
 * probe. The stack lies at the bottom of RAM, below it is code.
 */
#include "relay_bare_metal.h"

void relay_trap_entry(void);

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
  relay_prepare_memory();
  relay_go();
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
