/* What the cycle model knows of one Thumb-2 instruction. */
#ifndef RELAY_INSTRUCTION_H
#define RELAY_INSTRUCTION_H

#include <stdbool.h>
#include <stdint.h>

enum kind { DATA, MULTIPLY, DIVIDE, LOAD, STORE, BLOCK, BRANCH, FLOAT, KINDS };

/* How an instruction changes the flow when its branch is taken. */
enum flow { NO_BRANCH, BRANCH_DIRECT, BRANCH_REGISTER, BRANCH_LOADED, BRANCH_TABLE };

/* SDIV and UDIV end early by their operands, which are not known here. */
enum { DIVISION_LEAST = 2, DIVISION_MODEL = 7, DIVISION_MOST = 12 };

struct instruction {
  enum kind kind;
  enum flow flow;
  /* At zero wait states, by itself. */
  unsigned cycles;
  /* Registers, a bit each: results of computation, loaded ones, those an address is made of, a base written back. */
  uint16_t computed, loaded, address, moved;
  /* A load or a store of one register, with which its neighbours may be pipelined. */
  bool one_load, one_store;
  /* It reads, it writes memory. */
  bool loads, stores;
  /* Its address has a register as offset. */
  bool indexed;
  /* A branch that may not be taken. */
  bool conditional;
  /* IT, which the fetch unit may fold into the instruction before. */
  bool folds;
  bool wide;
};

/* Decodes the instruction of these half words; `second` is ignored for narrow ones. */
struct instruction decode(unsigned first, unsigned second, bool wide);

/* Where a direct call leads; UINT64_MAX for everything else. */
uint64_t call_target(uint64_t at, unsigned first, unsigned second);

#endif
