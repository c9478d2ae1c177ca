/* The three stages of a Cortex-M4 and its fetch unit, followed instruction by instruction. */
#ifndef RELAY_PIPELINE_H
#define RELAY_PIPELINE_H

#include "instruction.h"
#include "memory.h"

/* A read or a write of memory. */
struct access {
  uint32_t address;
  uint8_t bytes;
};

/* What the cycles beyond those of the instructions went to. */
enum stall { STALL_BRANCH, STALL_FETCH, STALL_ADDRESS, STALL_DATA, STALLS };

struct pipeline {
  struct memory *memory;
  /* When the instruction that was executed last began and when it is done; the time up to which fetches are followed. */
  uint64_t began, done, now;
  /* Half words that are fetched and not yet decoded; the word that is fetched next. */
  int buffered;
  uint32_t next_word;
  /* Fetches under way and when each arrives; fetches that are lost to a branch that was not taken. */
  uint64_t arrives[2];
  unsigned under_way, lost;
  uint64_t bus_free;
  /* The instruction before, unless a branch was taken behind it, and where its last access went. */
  bool follows;
  struct instruction before;
  uint32_t before_access;
  bool before_accessed;
  uint64_t stalls[STALLS];
};

void pipeline_reset(struct pipeline *pipeline, struct memory *memory);

/*
 * Execution goes on at an address by the branch of the instruction before, with an instruction of this width; returns
 * the cycles that pass until it can be executed.
 */
unsigned pipeline_branch(struct pipeline *pipeline, uint32_t to, bool wide);

/*
 * Executes an instruction with its accesses to memory, in order; an instruction that an IT block skips has none.
 * Returns the cycles from the end of the instruction before to its own.
 */
unsigned pipeline_step(struct pipeline *pipeline, const struct instruction *instruction,
                       const struct access *accesses, unsigned count);

#endif
