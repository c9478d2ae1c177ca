/*
 * Models the cycles that a Cortex-M4 takes for what QEMU executes: a plugin for QEMU's code generator (plugin API
 * version 1). Instructions are classified by their Thumb-2 encoding when they are translated; taken branches are seen
 * as they happen. The guest is not disturbed: nothing is read from it but its code.
 *
 * Arguments: out=FILE    where the counts of the last finished run are written, as JSON
 *            run=ADDR    address of the function that is counted, from its entry to its return
 *            size=BYTES  size of that function; every call it makes starts a new layer
 *
 * Timing (Cortex-M4 Technical Reference Manual, zero wait states): data processing and multiplication 1; load 2, or 1
 * right behind another load; store 1; multiple and double transfers 1 + words; taken branch 1 + refill; division 2-12;
 * VDIV, VSQRT 14; VMLA and VFMA 3. Where the manual gives a range, the least and the most are counted beside the figure.
 *
 * The declarations below are those of the documented plugin interface that this file uses.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*translated_t)(uint64_t id, struct qemu_plugin_tb *block);
typedef void (*executed_t)(unsigned int processor, void *data);
enum { CALLBACK_READS_NO_REGISTERS = 0 };

extern void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, translated_t callback);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, executed_t callback, int flags,
                                                 void *data);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *instruction);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);

EXPORT int qemu_plugin_version = 1;

enum kind { DATA, MULTIPLY, DIVIDE, LOAD, STORE, BLOCK, BRANCH, FLOAT, KINDS };
static const char *const kind_names[KINDS] = {"data",  "multiply", "divide", "load",
                                              "store", "multiple", "branch", "float"};

/* A figure with its bounds. */
struct cycles {
  uint64_t least, model, most;
};

struct instruction {
  enum kind kind;
  struct cycles cycles;
  /* Whether execution may go on elsewhere. */
  bool branches;
  /* A single load, behind which another one is pipelined. */
  bool single_load;
};

static struct instruction plain(enum kind kind, unsigned cycles) {
  struct instruction i = {kind, {cycles, cycles, cycles}, false, false};
  return i;
}

static struct instruction branching(struct instruction i) {
  i.branches = true;
  return i;
}

static struct instruction division(void) {
  struct instruction i = {DIVIDE, {2, 7, 12}, false, false};
  return i;
}

/* A load of one register; the caller takes a cycle off behind another load. */
static struct instruction load(void) {
  struct instruction i = {LOAD, {1, 2, 2}, false, true};
  return i;
}

static struct instruction narrow(unsigned h) {
  unsigned top = h >> 11;
  if (top == 0x09) return load();
  if (top >> 1 == 0x05) return ((h >> 9) & 7) >= 3 ? load() : plain(STORE, 1);
  if (top >= 0x0c && top <= 0x13) return (top & 1) ? load() : plain(STORE, 1);
  if (top == 0x18 || top == 0x19) return plain(BLOCK, 1 + (unsigned)__builtin_popcount(h & 0xff));
  if ((h & 0xfe00) == 0xb400) return plain(BLOCK, 1 + (unsigned)__builtin_popcount(h & 0x1ff));
  if ((h & 0xfe00) == 0xbc00) {
    struct instruction pop = plain(BLOCK, 1 + (unsigned)__builtin_popcount(h & 0x1ff));
    return (h & 0x100) ? branching(pop) : pop;
  }
  if ((h & 0xf500) == 0xb100) return branching(plain(BRANCH, 1));
  if (top >> 1 == 0x0d && ((h >> 8) & 15) < 14) return branching(plain(BRANCH, 1));
  if (top == 0x1c) return branching(plain(BRANCH, 1));
  if ((h & 0xff00) == 0x4700) return branching(plain(BRANCH, 1));
  if ((h & 0xfd87) == 0x4487) return branching(plain(DATA, 1));
  if ((h & 0xffc0) == 0x4340) return plain(MULTIPLY, 1);
  return plain(DATA, 1);
}

static struct instruction floating(unsigned a, unsigned b) {
  if ((a & 0xfe00) == 0xec00) {
    if ((a & 0xffe0) == 0xec40) return plain(FLOAT, 2);
    if ((a & 0x0120) == 0x0100) return plain(FLOAT, (b & 0x100) ? 3 : 2);
    return plain(BLOCK, 1 + (b & 0xff));
  }
  if (b & 0x10) return plain(FLOAT, 1);
  switch ((a >> 4) & 0xb) {
    case 0x0:
    case 0x1:
    case 0x9:
    case 0xa:
      return plain(FLOAT, 3);
    case 0x8:
      return plain(FLOAT, 14);
    case 0xb:
      return plain(FLOAT, (a & 15) == 1 && ((b >> 6) & 3) == 3 ? 14 : 1);
    default:
      return plain(FLOAT, 1);
  }
}

static struct instruction wide(unsigned a, unsigned b) {
  if ((a & 0xfe40) == 0xe800) {
    struct instruction i = plain(BLOCK, 1 + (unsigned)__builtin_popcount(b));
    return (a & 0x10) && (b & 0x8000) ? branching(i) : i;
  }
  if ((a & 0xfff0) == 0xe8d0 && (b & 0xffe0) == 0xf000) return branching(plain(BRANCH, 2));
  if ((a & 0xfe40) == 0xe840) {
    if (a & 0x0120) return plain(BLOCK, 3);
    return (a & 0x10) ? load() : plain(STORE, 1);
  }
  if ((a & 0xec00) == 0xec00) return floating(a, b);
  if ((a & 0xf800) == 0xf000 && (b & 0x8000)) {
    if (b & 0x1000) return branching(plain(BRANCH, 1));
    return ((a >> 6) & 15) < 14 ? branching(plain(BRANCH, 1)) : plain(DATA, 1);
  }
  if ((a & 0xfe00) == 0xf800) {
    if (!(a & 0x10)) return plain(STORE, 1);
    if (b >> 12 != 15) return load();
    return (a & 0x60) == 0x40 ? branching(load()) : plain(DATA, 1);
  }
  if ((a & 0xff80) == 0xfb00) return plain(MULTIPLY, 1);
  if ((a & 0xff80) == 0xfb80) {
    bool divides = (a & 0x50) == 0x10 && (b & 0xf0) == 0xf0;
    return divides ? division() : plain(MULTIPLY, 1);
  }
  return plain(DATA, 1);
}

/* What is known of a translated block. */
struct block {
  uint64_t start, end;
  struct cycles cycles;
  uint32_t instructions;
  uint32_t kinds[KINDS];
  /* It enters the counted function, or calls out of it at its end. */
  bool enters, calls, branches;
  /* The first, the last instruction is a single load; QEMU may end a block anywhere. */
  bool starts_load, ends_load;
  /* The first instruction is a wide one at half a word: the refill fetches twice. */
  bool split;
  struct block *next;
};

struct counts {
  struct cycles cycles;
  uint64_t instructions, taken;
  uint64_t kinds[KINDS];
};

enum { MOST_LAYERS = 4096 };

static const char *out_path;
static uint64_t run_start, run_size;
static struct block *blocks;
static const struct block *previous;
static struct counts total, layers[MOST_LAYERS];
static size_t layer;
static bool counting;
static uint64_t return_address;
static uint64_t runs;

static void add(struct counts *to, const struct block *b) {
  int k;
  to->cycles.least += b->cycles.least;
  to->cycles.model += b->cycles.model;
  to->cycles.most += b->cycles.most;
  to->instructions += b->instructions;
  for (k = 0; k < KINDS; k++) to->kinds[k] += b->kinds[k];
}

static void add_refill(struct counts *to, bool split) {
  to->cycles.least += 1;
  to->cycles.model += split ? 3 : 2;
  to->cycles.most += 3;
  to->taken++;
}

static void print_cycles(FILE *file, const struct counts *c) {
  fprintf(file, "{\"cycles\":%llu,\"least\":%llu,\"most\":%llu,\"instructions\":%llu,\"taken\":%llu",
          (unsigned long long)c->cycles.model, (unsigned long long)c->cycles.least, (unsigned long long)c->cycles.most,
          (unsigned long long)c->instructions, (unsigned long long)c->taken);
}

static void report(void) {
  size_t i;
  int k;
  FILE *file = fopen(out_path, "w");
  if (!file) return;
  print_cycles(file, &total);
  fprintf(file, ",\"runs\":%llu,\"kinds\":{", (unsigned long long)runs);
  for (k = 0; k < KINDS; k++)
    fprintf(file, "%s\"%s\":%llu", k ? "," : "", kind_names[k], (unsigned long long)total.kinds[k]);
  fprintf(file, "},\"layers\":[");
  for (i = 1; i <= layer; i++) {
    print_cycles(file, &layers[i]);
    fprintf(file, "}%s", i < layer ? "," : "");
  }
  fprintf(file, "]}\n");
  fclose(file);
}

static void executed(unsigned int processor, void *data) {
  const struct block *b = data;
  bool taken = previous && previous->branches && b->start != previous->end;
  (void)processor;
  if (counting && b->start == return_address) {
    if (taken) {
      add_refill(&total, b->split);
      add_refill(&layers[layer], b->split);
    }
    counting = false;
    runs++;
    report();
  }
  if (b->enters) {
    memset(&total, 0, sizeof total);
    memset(layers, 0, sizeof layers);
    layer = 0;
    counting = true;
    return_address = previous ? previous->end : 0;
  }
  if (counting) {
    /* A call belongs to the layer that it starts. */
    if (taken && !b->enters) {
      add_refill(&total, b->split);
      add_refill(&layers[layer], b->split);
    }
    if (b->calls && layer + 1 < MOST_LAYERS) {
      layer++;
      /* What stands before the first call belongs to it. */
      if (layer == 1) layers[1] = layers[0];
    }
    add(&total, b);
    add(&layers[layer], b);
    if (b->starts_load && previous && previous->ends_load && b->start == previous->end) {
      total.cycles.model--;
      layers[layer].cycles.model--;
    }
  }
  previous = b;
}

/* Where a direct branch leads; UINT64_MAX for indirect ones. */
static uint64_t target_of(uint64_t at, unsigned a, unsigned b) {
  uint32_t s, i1, i2;
  int32_t offset;
  if ((a & 0xf800) != 0xf000 || !(b & 0x8000) || !(b & 0x1000)) return UINT64_MAX;
  s = (a >> 10) & 1;
  i1 = !(((b >> 13) & 1) ^ s);
  i2 = !(((b >> 11) & 1) ^ s);
  offset = (int32_t)((i1 << 23) | (i2 << 22) | ((a & 0x3ff) << 12) | ((b & 0x7ff) << 1));
  if (s) offset -= 1 << 24;
  return (uint32_t)(at + 4 + (uint32_t)offset);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb) {
  size_t count = qemu_plugin_tb_n_insns(tb), i;
  struct block *b = calloc(1, sizeof *b);
  bool behind_load = false;
  (void)id;
  if (!b || count == 0) {
    free(b);
    return;
  }
  b->next = blocks;
  blocks = b;
  b->start = qemu_plugin_tb_vaddr(tb);
  b->instructions = (uint32_t)count;
  b->enters = b->start == run_start;
  for (i = 0; i < count; i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    uint64_t at = qemu_plugin_insn_vaddr(insn);
    size_t size = qemu_plugin_insn_size(insn);
    const uint8_t *code = qemu_plugin_insn_data(insn);
    unsigned first = code[0] | (unsigned)code[1] << 8;
    unsigned second = size == 4 ? (code[2] | (unsigned)code[3] << 8) : 0;
    struct instruction one = size == 4 ? wide(first, second) : narrow(first);
    if (one.single_load && behind_load) one.cycles.model--;
    if (i == 0) b->starts_load = one.single_load;
    b->ends_load = behind_load = one.single_load;
    b->cycles.least += one.cycles.least;
    b->cycles.model += one.cycles.model;
    b->cycles.most += one.cycles.most;
    b->kinds[one.kind]++;
    b->branches = one.branches;
    b->end = at + size;
    if (i == 0) b->split = size == 4 && (at & 2);
    if (one.branches && at >= run_start && at < run_start + run_size) {
      uint64_t to = size == 4 ? target_of(at, first, second) : UINT64_MAX;
      bool link_register = size == 2 && (first & 0xff80) == 0x4780;
      if (link_register || (to != UINT64_MAX && (to < run_start || to >= run_start + run_size))) b->calls = true;
    }
  }
  qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, CALLBACK_READS_NO_REGISTERS, b);
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
  int i;
  (void)info;
  for (i = 0; i < argc; i++) {
    if (!strncmp(argv[i], "out=", 4)) out_path = argv[i] + 4;
    if (!strncmp(argv[i], "run=", 4)) run_start = strtoull(argv[i] + 4, NULL, 0);
    if (!strncmp(argv[i], "size=", 5)) run_size = strtoull(argv[i] + 5, NULL, 0);
  }
  if (!out_path || run_size == 0) {
    fprintf(stderr, "relay_cycles: the arguments out, run and size are needed\n");
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
