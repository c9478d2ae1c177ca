/*
 * The flash interface as reference manuals describe it (ST's RM0090, RM0351, RM0432): one read brings several words; the
 * buffers of the last code and data and of the read made ahead, then the caches are looked up before the flash is read;
 * after a read of code the next one is made ahead if the flash is free.
 */
#include "memory.h"
#include <string.h>

enum { NO_READ = 1 };

void memory_reset(struct memory *memory) {
  memory->code.used = memory->data.used = 0;
  memory->code_read = memory->data_read = memory->ahead = NO_READ;
  memory->ahead_at = memory->free_at = 0;
}

static bool in_flash(const struct memory *memory, uint32_t address) {
  return memory->wait_states > 0 && address - memory->flash_start < memory->flash_bytes;
}

/* Looks up what the read at an address brings, and moves its line to the front; `fill` enters it. */
static bool look_up(const struct memory *memory, struct cache *cache, uint32_t read, bool fill) {
  uint32_t line, part, valid = 0;
  unsigned i;
  if (cache->lines == 0) return false;
  line = read - read % cache->line_bytes;
  part = 1u << (read - line) / memory->read_bytes;
  for (i = 0; i < cache->used && cache->line[i] != line; i++) continue;
  if (i < cache->used) valid = cache->valid[i];
  if (!(valid & part) && !fill) return false;
  if (i == cache->used) {
    if (cache->used < cache->lines) cache->used++;
    else i--;
  }
  memmove(cache->line + 1, cache->line, i * sizeof cache->line[0]);
  memmove(cache->valid + 1, cache->valid, i * sizeof cache->valid[0]);
  cache->line[0] = line;
  cache->valid[0] = valid | part;
  return true;
}

/* Reads the flash; returns the cycles until what was read can be used. */
static unsigned read_flash(struct memory *memory, uint64_t now) {
  uint64_t start = now > memory->free_at ? now : memory->free_at;
  memory->free_at = start + memory->wait_states + 1;
  return (unsigned)(start + memory->wait_states - now);
}

unsigned memory_fetch(struct memory *memory, uint32_t address, uint64_t now) {
  uint32_t read = address - address % (memory->read_bytes ? memory->read_bytes : 4), next;
  unsigned wait;
  if (!in_flash(memory, address) || read == memory->code_read) return 0;
  if (look_up(memory, &memory->code, read, false)) {
    memory->code_read = read;
    return 0;
  }
  if (read == memory->ahead) wait = memory->ahead_at > now ? (unsigned)(memory->ahead_at - now) : 0;
  else wait = read_flash(memory, now);
  look_up(memory, &memory->code, read, true);
  memory->code_read = read;
  memory->ahead = NO_READ;
  next = read + memory->read_bytes;
  if (memory->prefetch && in_flash(memory, next) && !look_up(memory, &memory->code, next, false)) {
    memory->ahead = next;
    memory->ahead_at = now + wait + 1 + read_flash(memory, now + wait + 1);
  }
  return wait;
}

unsigned memory_load(struct memory *memory, uint32_t address, uint64_t now) {
  uint32_t read = address - address % (memory->read_bytes ? memory->read_bytes : 4);
  unsigned wait;
  if (!in_flash(memory, address) || read == memory->data_read) return 0;
  memory->data_read = read;
  if (look_up(memory, &memory->data, read, false)) return 0;
  wait = read_flash(memory, now);
  look_up(memory, &memory->data, read, true);
  return wait;
}
