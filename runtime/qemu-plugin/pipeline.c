/*
 * Timing of the Cortex-M4's pipeline (Arm 100166, Cortex-M4 Technical Reference Manual: instruction set summary, load and
 * store timings) with what measurements on silicon say where the manual gives a range: a direct branch that is taken
 * costs one cycle of refill, or two to a wide instruction at half a word; a load waits for a store before it; loads from
 * different memories are not pipelined; the fetch unit holds three words, and two fetches are spent on the target of a
 * branch that is not taken.
 */
#include "pipeline.h"
#include <string.h>

enum { BUFFER_WORDS = 3, LOST_FETCHES = 2 };

/* When the target of a branch is asked for. */
static uint64_t asked_at(const struct pipeline *p) {
  switch (p->before.flow) {
    case BRANCH_DIRECT:
      return p->began - 1; /* while the branch is decoded */
    case BRANCH_REGISTER:
      return p->began;
    default:
      return p->done + 1; /* behind the load */
  }
}

void pipeline_reset(struct pipeline *p, struct memory *memory) {
  memset(p, 0, sizeof *p);
  p->memory = memory;
  p->now = p->began = p->done = 1;
}

static void arrive(struct pipeline *p) {
  while (p->under_way > 0 && p->arrives[0] <= p->now) {
    p->buffered += 2;
    p->arrives[0] = p->arrives[1];
    p->under_way--;
  }
}

/* Asks for the next word: its address takes one cycle, its data another one and those to wait for. */
static void ask(struct pipeline *p) {
  uint64_t data = p->now + 1 > p->bus_free ? p->now + 1 : p->bus_free;
  p->bus_free = data + 1 + memory_fetch(p->memory, p->next_word, data);
  p->arrives[p->under_way++] = p->bus_free;
  p->next_word += 4;
}

/* Lets a cycle of the fetch unit pass. */
static void tick(struct pipeline *p) {
  unsigned words = (unsigned)(p->buffered + 1) / 2 + p->under_way;
  if (p->lost > 0) p->lost--;
  else if (words < BUFFER_WORDS && p->under_way < 2) ask(p);
  p->now++;
  arrive(p);
}

unsigned pipeline_branch(struct pipeline *p, uint32_t to, bool wide) {
  unsigned refill;
  p->now = asked_at(p);
  p->buffered = to & 2 ? -1 : 0;
  p->under_way = p->lost = 0;
  p->next_word = to & ~3u;
  p->follows = false;
  while (p->buffered < (wide ? 2 : 1)) tick(p);
  /* It is decoded from now on. */
  refill = p->now + 1 > p->done ? (unsigned)(p->now + 1 - p->done) : 0;
  p->done += refill;
  p->stalls[STALL_BRANCH] += refill;
  return refill;
}

/* Cycles that an instruction takes, or saves, because of the one right before it. */
static int beside(const struct pipeline *p, const struct instruction *i, const struct access *access) {
  const struct instruction *before = &p->before;
  bool pipelined = before->one_load && (i->one_load || (i->one_store && i->indexed)) &&
                   !(i->address & (before->loaded | before->moved)) && p->before_accessed && access &&
                   /* Code, with its constants, and the other memories are on different buses. */
                   (p->before_access < 0x20000000) == (access->address < 0x20000000);
  int cycles = pipelined ? -1 : 0;
  return before->stores && i->loads ? cycles + 1 : cycles;
}

/* Cycles that accesses take beyond one each. */
static unsigned waits(struct pipeline *p, const struct instruction *i, uint64_t from, const struct access *accesses,
                      unsigned count) {
  unsigned k, cycles = 0;
  for (k = 0; k < count; k++) {
    const struct access *a = &accesses[k];
    if (a->bytes <= 4 && a->address % a->bytes) cycles += a->bytes == 4 && (a->address & 1) ? 2 : 1;
    if (i->loads) cycles += memory_load(p->memory, a->address, from + k + cycles);
  }
  return cycles;
}

unsigned pipeline_step(struct pipeline *p, const struct instruction *i, const struct access *accesses,
                       unsigned count) {
  int need = i->wide ? 2 : 1, cycles = (int)i->cycles;
  uint64_t from = p->done, begins;
  bool skipped = (i->loads || i->stores) && count == 0;
  if (p->follows) {
    while (p->now < p->began) tick(p);
    /* Folded into the narrow instruction before, with which it is decoded. */
    if (i->folds && !p->before.wide && p->buffered >= need) {
      p->buffered -= need;
      return 0;
    }
  }
  while (p->buffered < need) tick(p);
  p->buffered -= need;
  begins = p->done;
  if (p->follows && p->now + 1 > begins) {
    p->stalls[STALL_FETCH] += p->now + 1 - begins;
    begins = p->now + 1;
  }
  if (skipped) cycles = 1;
  else {
    unsigned waiting = waits(p, i, begins + 1, accesses, count);
    if (p->follows) {
      cycles += beside(p, i, count ? accesses : NULL);
      if (i->address & p->before.computed) {
        cycles++;
        p->stalls[STALL_ADDRESS]++;
      }
    }
    cycles += (int)waiting;
    p->stalls[STALL_DATA] += waiting;
  }
  if (cycles < 0) cycles = 0;
  p->began = begins;
  p->done = begins + (unsigned)cycles;
  if (i->conditional) p->lost += LOST_FETCHES;
  p->before = *i;
  p->before_accessed = count > 0;
  if (count > 0) p->before_access = accesses[count - 1].address;
  p->follows = true;
  return (unsigned)(p->done - from);
}
