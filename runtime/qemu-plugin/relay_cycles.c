/*
 * Models the cycles that a Cortex-M4 takes for what QEMU executes: a plugin for QEMU's code generator (plugin API
 * version 1). Instructions are decoded when they are translated (instruction.c); executed ones, with the addresses they
 * read and write, pass through a pipeline (pipeline.c) and the flash's wait states (memory.c). The guest is not disturbed:
 * nothing is read from it but its code and addresses.
 *
 * Arguments: out=FILE    where the counts of the last finished run are written, as JSON
 *            run=ADDR    address of the function that is counted, from its entry to its return
 *            size=BYTES  size of that function; every call it makes starts a new layer
 *            marks=on    instead of run and size: the function that is called next behind a hint DBG #5 is counted
 * and, for a flash with wait states, flash, flash-size, waits, read (bytes a read brings), prefetch (1), code-lines,
 * code-bytes, data-lines, data-bytes (lines of the caches and their size; no lines, no cache).
 *
 * Beside each figure, the least and the most that divisions allow, whose operands are not seen.
 *
 * The declarations below are those of the documented plugin interface that this file uses.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instruction.h"
#include "memory.h"
#include "pipeline.h"

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*translated_t)(uint64_t id, struct qemu_plugin_tb *block);
typedef void (*executed_t)(unsigned int processor, void *data);
typedef void (*accessed_t)(unsigned int processor, uint32_t info, uint64_t address, void *data);
enum { CALLBACK_READS_NO_REGISTERS = 0 };
enum { READS_AND_WRITES = 3 };

extern void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, translated_t callback);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, executed_t callback, int flags,
                                                 void *data);
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *instruction, accessed_t callback, int flags,
                                             int what, void *data);
extern unsigned qemu_plugin_mem_size_shift(uint32_t info);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *instruction);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);

EXPORT int qemu_plugin_version = 1;

static const char *const kind_names[KINDS] = {"data",  "multiply", "divide", "load",
                                              "store", "multiple", "branch", "float"};
static const char *const stall_names[STALLS] = {"branch", "fetch", "address", "data"};

/* What is known of a translated block. */
struct block {
  uint64_t start, end;
  uint32_t kinds[KINDS];
  /* It enters the counted function, or calls out of it at its end. */
  bool enters, calls, branches;
  /* It holds the hint that the function called next is to be counted. */
  bool marks;
  size_t count;
  struct instruction instructions[];
};

struct counts {
  uint64_t cycles, instructions, taken, divisions;
};

enum { MOST_LAYERS = 4096 };

static const char *out_path;
static uint64_t run_start, run_size;
static struct memory memory;
static struct pipeline pipeline;
static const struct block *current;
static struct counts total, layers[MOST_LAYERS];
static uint64_t kinds[KINDS];
static size_t layer;
static bool counting;
/* Hints count; one was seen and the call behind it is awaited. */
static bool marked, awaiting;
static uint64_t return_address;
static uint64_t runs;

/* Accesses of the block that is being executed, each with its instruction. */
static struct access *accesses;
static size_t *accessed_by, access_count, access_room;

static void print_cycles(FILE *file, const struct counts *c) {
  fprintf(file, "{\"cycles\":%llu,\"least\":%llu,\"most\":%llu,\"instructions\":%llu,\"taken\":%llu",
          (unsigned long long)c->cycles,
          (unsigned long long)(c->cycles - c->divisions * (DIVISION_MODEL - DIVISION_LEAST)),
          (unsigned long long)(c->cycles + c->divisions * (DIVISION_MOST - DIVISION_MODEL)),
          (unsigned long long)c->instructions, (unsigned long long)c->taken);
}

static void print_named(FILE *file, const char *name, const char *const *names, const uint64_t *values, int count) {
  int k;
  fprintf(file, ",\"%s\":{", name);
  for (k = 0; k < count; k++)
    fprintf(file, "%s\"%s\":%llu", k ? "," : "", names[k], (unsigned long long)values[k]);
  fprintf(file, "}");
}

static void report(void) {
  size_t i;
  FILE *file = fopen(out_path, "w");
  if (!file) return;
  print_cycles(file, &total);
  fprintf(file, ",\"runs\":%llu", (unsigned long long)runs);
  print_named(file, "kinds", kind_names, kinds, KINDS);
  print_named(file, "stalls", stall_names, pipeline.stalls, STALLS);
  fprintf(file, ",\"layers\":[");
  for (i = 1; i <= layer; i++) {
    print_cycles(file, &layers[i]);
    fprintf(file, "}%s", i < layer ? "," : "");
  }
  fprintf(file, "]}\n");
  fclose(file);
}

static void add(unsigned cycles) {
  total.cycles += cycles;
  layers[layer].cycles += cycles;
}

/* Passes a block that was executed to its end through the pipeline. */
static void settle(const struct block *b) {
  size_t i, from = 0;
  for (i = 0; i < b->count; i++) {
    size_t to = from;
    while (to < access_count && accessed_by[to] == i) to++;
    add(pipeline_step(&pipeline, &b->instructions[i], accesses + from, (unsigned)(to - from)));
    from = to;
  }
  total.instructions += b->count;
  layers[layer].instructions += b->count;
  total.divisions += b->kinds[DIVIDE];
  layers[layer].divisions += b->kinds[DIVIDE];
  for (i = 0; i < KINDS; i++) kinds[i] += b->kinds[i];
}

static void start_run(const struct block *b) {
  memset(&total, 0, sizeof total);
  memset(layers, 0, sizeof layers);
  memset(kinds, 0, sizeof kinds);
  layer = 0;
  memory_reset(&memory);
  pipeline_reset(&pipeline, &memory);
  /* How it was called is not part of it. */
  pipeline_branch(&pipeline, (uint32_t)b->start, b->instructions[0].wide);
  memset(pipeline.stalls, 0, sizeof pipeline.stalls);
  counting = true;
  return_address = current ? current->end : 0;
}

static void executed(unsigned int processor, void *data) {
  const struct block *b = data;
  (void)processor;
  if (counting) {
    settle(current);
    if (current->branches && b->start != current->end && !b->enters) {
      add(pipeline_branch(&pipeline, (uint32_t)b->start, b->instructions[0].wide));
      total.taken++;
      layers[layer].taken++;
    }
    if (b->start == return_address) {
      counting = false;
      runs++;
      report();
    }
  }
  if (b->enters || (awaiting && current->branches)) {
    awaiting = false;
    start_run(b);
  }
  if (b->marks) awaiting = true;
  /* A call belongs to the layer that it starts. */
  if (counting && b->calls && layer + 1 < MOST_LAYERS) {
    layer++;
    /* What stands before the first call belongs to it. */
    if (layer == 1) layers[1] = layers[0];
  }
  access_count = 0;
  current = b;
}

static void accessed(unsigned int processor, uint32_t info, uint64_t address, void *data) {
  struct access access = {(uint32_t)address, (uint8_t)(1u << qemu_plugin_mem_size_shift(info))};
  (void)processor;
  if (!counting) return;
  if (access_count == access_room) {
    size_t room = access_room ? 2 * access_room : 1024;
    struct access *more = realloc(accesses, room * sizeof *more);
    size_t *more_by = realloc(accessed_by, room * sizeof *more_by);
    if (more) accesses = more;
    if (more_by) accessed_by = more_by;
    if (!more || !more_by) return;
    access_room = room;
  }
  accesses[access_count] = access;
  accessed_by[access_count++] = (size_t)data;
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb) {
  size_t count = qemu_plugin_tb_n_insns(tb), i;
  struct block *b = count ? calloc(1, sizeof *b + count * sizeof b->instructions[0]) : NULL;
  (void)id;
  if (!b) return;
  b->start = qemu_plugin_tb_vaddr(tb);
  b->count = count;
  b->enters = b->start == run_start;
  for (i = 0; i < count; i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    uint64_t at = qemu_plugin_insn_vaddr(insn);
    size_t size = qemu_plugin_insn_size(insn);
    const uint8_t *code = qemu_plugin_insn_data(insn);
    unsigned first = code[0] | (unsigned)code[1] << 8;
    unsigned second = size == 4 ? (code[2] | (unsigned)code[3] << 8) : 0;
    struct instruction *one = &b->instructions[i];
    *one = decode(first, second, size == 4);
    if (marked && first == 0xf3af && second == 0x80f5) b->marks = true;
    b->kinds[one->kind]++;
    b->branches = one->flow != NO_BRANCH;
    b->end = at + size;
    if (b->branches && at >= run_start && at < run_start + run_size) {
      uint64_t to = size == 4 ? call_target(at, first, second) : UINT64_MAX;
      bool link_register = size == 2 && (first & 0xff80) == 0x4780;
      if (link_register || (to != UINT64_MAX && (to < run_start || to >= run_start + run_size))) b->calls = true;
    }
    if (one->loads || one->stores || one->flow == BRANCH_TABLE)
      qemu_plugin_register_vcpu_mem_cb(insn, accessed, CALLBACK_READS_NO_REGISTERS, READS_AND_WRITES, (void *)i);
  }
  qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, CALLBACK_READS_NO_REGISTERS, b);
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
  int i;
  (void)info;
  for (i = 0; i < argc; i++) {
    const char *equals = strchr(argv[i], '=');
    size_t length = equals ? (size_t)(equals - argv[i]) : 0;
    uint64_t value = equals ? strtoull(equals + 1, NULL, 0) : 0;
    const char *key = argv[i];
#define IS(name) (length == sizeof name - 1 && !strncmp(key, name, length))
    if (IS("out")) out_path = equals + 1;
    else if (IS("run")) run_start = value;
    else if (IS("size")) run_size = value;
    else if (IS("marks")) marked = true;
    else if (IS("flash")) memory.flash_start = (uint32_t)value;
    else if (IS("flash-size")) memory.flash_bytes = (uint32_t)value;
    else if (IS("waits")) memory.wait_states = (unsigned)value;
    else if (IS("read")) memory.read_bytes = (unsigned)value;
    else if (IS("prefetch")) memory.prefetch = value != 0;
    else if (IS("code-lines")) memory.code.lines = (unsigned)value;
    else if (IS("code-bytes")) memory.code.line_bytes = (unsigned)value;
    else if (IS("data-lines")) memory.data.lines = (unsigned)value;
    else if (IS("data-bytes")) memory.data.line_bytes = (unsigned)value;
#undef IS
  }
  if (marked) run_start = UINT64_MAX;
  if (!out_path || (run_size == 0 && !marked)) {
    fprintf(stderr, "relay_cycles: the arguments out, and run and size or marks, are needed\n");
    return 1;
  }
  if (memory.code.lines > MOST_LINES || memory.data.lines > MOST_LINES) {
    fprintf(stderr, "relay_cycles: a cache has at most %d lines\n", MOST_LINES);
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
