/* Flash that the processor has to wait for, behind a prefetch buffer and two small caches. */
#ifndef RELAY_MEMORY_H
#define RELAY_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* Fully associative, the line that was used least recently is replaced; no cache where there are no lines. */
enum { MOST_LINES = 256 };

struct cache {
  unsigned lines, line_bytes;
  /* Address of each line, the last used first; `valid` has a bit for each read of the flash within it. */
  unsigned used;
  uint32_t line[MOST_LINES], valid[MOST_LINES];
};

struct memory {
  uint32_t flash_start, flash_bytes;
  /* Cycles beyond the first that a read takes; the bytes it brings. */
  unsigned wait_states, read_bytes;
  bool prefetch;
  struct cache code, data;
  /* The last read of code and of data, and the read that was made ahead, with the time from which it can be used. */
  uint32_t code_read, data_read, ahead;
  uint64_t ahead_at;
  /* The time from which the flash can be read again. */
  uint64_t free_at;
};

/* A memory without wait states. */
void memory_reset(struct memory *memory);

/* The cycles to wait for the word at an address that is asked for at a time. */
unsigned memory_fetch(struct memory *memory, uint32_t address, uint64_t now);
unsigned memory_load(struct memory *memory, uint32_t address, uint64_t now);

#endif
