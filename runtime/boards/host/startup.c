/*
 * The harness as a native process: it serves memory reads, writes and runs over its standard input and output, so that
 * a process looks like a board. Requests: one letter, then little-endian 64-bit address and length where they apply.
 */
#include "relay_harness.h"

#include <stdio.h>
#include <stdlib.h>

__attribute__((used)) void relay_ready(void) { relay_run_job(relay_job); }

static void take(void *to, size_t bytes) {
  if (bytes && fread(to, 1, bytes, stdin) != bytes) exit(0);
}

static void give(const void *from, size_t bytes) {
  if (bytes) fwrite(from, 1, bytes, stdout);
}

int main(void) {
  relay_timer_start();
  relay_calibrate();
  /* Where relay_ready lies tells by how much this process was moved from its link addresses. */
  uint64_t ready = (uint64_t)(uintptr_t)&relay_ready;
  give(&ready, sizeof ready);
  fflush(stdout);
  for (;;) {
    uint8_t request;
    uint64_t range[2];
    take(&request, 1);
    if (request == 'g') {
      relay_ready();
      give("k", 1);
    } else {
      take(range, sizeof range);
      if (request == 'w') {
        take((void *)(uintptr_t)range[0], range[1]);
        give("k", 1);
      } else {
        give((const void *)(uintptr_t)range[0], range[1]);
      }
    }
    fflush(stdout);
  }
}
