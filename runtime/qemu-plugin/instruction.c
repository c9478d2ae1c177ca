/*
 * Classifies Thumb-2 instructions of ARMv7E-M (ARM DDI 0403) and gives each the cycles that the Cortex-M4 Technical
 * Reference Manual has for it at zero wait states.
 */
#include "instruction.h"

enum { SP = 13, LR = 14, PC = 15 };

static uint16_t bit(unsigned number) { return (uint16_t)(number < PC ? 1u << number : 0); }

static struct instruction plain(enum kind kind, unsigned cycles) {
  struct instruction i = {.kind = kind, .cycles = cycles};
  return i;
}

static struct instruction computes(enum kind kind, unsigned result) {
  struct instruction i = plain(kind, 1);
  i.computed = bit(result);
  return i;
}

static struct instruction branching(struct instruction i, enum flow flow) {
  i.flow = flow;
  return i;
}

static struct instruction conditional(void) {
  struct instruction i = branching(plain(BRANCH, 1), BRANCH_DIRECT);
  i.conditional = true;
  return i;
}

static struct instruction division(unsigned result) {
  struct instruction i = computes(DIVIDE, result);
  i.cycles = DIVISION_MODEL;
  return i;
}

static struct instruction load(unsigned to, uint16_t address) {
  struct instruction i = plain(LOAD, 2);
  i.loaded = bit(to);
  i.address = address;
  i.one_load = i.loads = true;
  return to == PC ? branching(i, BRANCH_LOADED) : i;
}

static struct instruction store(uint16_t address) {
  struct instruction i = plain(STORE, 1);
  i.address = address;
  i.one_store = i.stores = true;
  return i;
}

/* The address is read a cycle later where it has two registers, which a store does not hide. */
static struct instruction indexed(struct instruction i) {
  i.indexed = true;
  if (i.one_store) i.cycles++;
  return i;
}

static struct instruction block(bool loads, unsigned registers, unsigned base, bool moves) {
  struct instruction i = plain(BLOCK, 1 + (unsigned)__builtin_popcount(registers));
  i.address = bit(base);
  i.loads = loads;
  i.stores = !loads;
  i.loaded = loads ? (uint16_t)(registers & 0x7fff) : 0;
  i.moved = moves ? bit(base) : 0;
  return loads && (registers & 0x8000) ? branching(i, BRANCH_LOADED) : i;
}

static struct instruction narrow(unsigned h) {
  unsigned top = h >> 11, low = h & 7, middle = (h >> 3) & 7, high = (h >> 8) & 7;
  if (top <= 0x03) return computes(DATA, low);
  if (top <= 0x07) return top == 0x05 ? plain(DATA, 1) : computes(DATA, high);
  if (top == 0x08) {
    unsigned op = (h >> 6) & 15, to = low | ((h >> 4) & 8);
    if (h & 0x400) {
      if ((h & 0x300) == 0x300) {
        struct instruction i = branching(plain(BRANCH, 1), BRANCH_REGISTER);
        i.computed = (h & 0x80) ? bit(LR) : 0;
        return i;
      }
      if ((h & 0x300) == 0x100) return plain(DATA, 1);
      return to == PC ? branching(plain(DATA, 1), BRANCH_REGISTER) : computes(DATA, to);
    }
    if (op == 8 || op == 10 || op == 11) return plain(DATA, 1);
    return computes(op == 13 ? MULTIPLY : DATA, low);
  }
  if (top == 0x09) return load(high, 0);
  if (top >> 1 == 0x05) {
    uint16_t address = (uint16_t)(bit(middle) | bit((h >> 6) & 7));
    return indexed(((h >> 9) & 7) >= 3 ? load(low, address) : store(address));
  }
  if (top >= 0x0c && top <= 0x11) return (top & 1) ? load(low, bit(middle)) : store(bit(middle));
  if (top >> 1 == 0x09) return (top & 1) ? load(high, bit(SP)) : store(bit(SP));
  if (top >> 1 == 0x0a) return computes(DATA, high);
  if (top >> 1 == 0x0c) return block(top & 1, h & 0xff, high, true);
  if ((h & 0xff00) == 0xb000) return computes(DATA, SP);
  if ((h & 0xff00) == 0xb200 || (h & 0xff00) == 0xba00) return computes(DATA, low);
  if ((h & 0xf600) == 0xb400) {
    bool loads = h & 0x800;
    return block(loads, (h & 0xff) | ((h & 0x100) ? 1u << (loads ? PC : LR) : 0), SP, true);
  }
  if ((h & 0xf500) == 0xb100) return conditional();
  if ((h & 0xff00) == 0xbf00 && (h & 15)) {
    struct instruction i = plain(DATA, 1);
    i.folds = true;
    return i;
  }
  if (top >> 1 == 0x0d && ((h >> 8) & 15) < 14) return conditional();
  if (top == 0x1c) return branching(plain(BRANCH, 1), BRANCH_DIRECT);
  return plain(DATA, 1);
}

static struct instruction floating(unsigned a, unsigned b) {
  unsigned register_ = b >> 12;
  if ((a & 0xfe00) == 0xec00) {
    struct instruction i;
    if ((a & 0xffe0) == 0xec40) {
      i = plain(FLOAT, 2);
      if (a & 0x10) i.computed = (uint16_t)(bit(register_) | bit(a & 15));
      return i;
    }
    if ((a & 0x0120) == 0x0100) i = plain(FLOAT, (b & 0x100) ? 3 : 2);
    else i = plain(BLOCK, 1 + (b & 0xff));
    i.address = bit(a & 15);
    i.moved = (a & 0x20) ? bit(a & 15) : 0;
    i.loads = a & 0x10;
    i.stores = !i.loads;
    return i;
  }
  if (b & 0x10) return (a & 0x10) ? computes(FLOAT, register_) : plain(FLOAT, 1);
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

/* LDR, STR and their narrower forms. */
static struct instruction single(unsigned a, unsigned b) {
  unsigned base = a & 15, to = b >> 12;
  bool loads = a & 0x10, offset = !(a & 0x80) && !(b & 0x800);
  uint16_t address = (uint16_t)(bit(base) | (offset ? bit(b & 15) : 0));
  struct instruction i;
  if (loads && to == PC && (a & 0x60) != 0x40) return plain(DATA, 1);
  if (loads && base == PC) return load(to, 0);
  i = loads ? load(to, address) : store(address);
  if (offset) i = indexed(i);
  if (!(a & 0x80) && !offset && (b & 0x100)) i.moved = bit(base);
  return i;
}

static struct instruction wide(unsigned a, unsigned b) {
  unsigned to = (b >> 8) & 15;
  if ((a & 0xfe40) == 0xe800) return block(a & 0x10, b, a & 15, a & 0x20);
  if ((a & 0xfff0) == 0xe8d0 && (b & 0xffe0) == 0xf000) {
    struct instruction i = branching(plain(BRANCH, 2), BRANCH_TABLE);
    i.address = (uint16_t)(bit(a & 15) | bit(b & 15));
    return i;
  }
  if ((a & 0xfe40) == 0xe840) {
    if (a & 0x0120) return block(a & 0x10, (1u << (b >> 12)) | (1u << to), a & 15, a & 0x20);
    return (a & 0x10) ? load(b >> 12, bit(a & 15)) : store(bit(a & 15));
  }
  if ((a & 0xec00) == 0xec00) return floating(a, b);
  if ((a & 0xf800) == 0xf000 && (b & 0x8000)) {
    if (b & 0x1000) {
      struct instruction i = branching(plain(BRANCH, 1), BRANCH_DIRECT);
      i.computed = (b & 0x4000) ? bit(LR) : 0;
      return i;
    }
    return ((a >> 6) & 15) < 14 ? conditional() : computes(DATA, to);
  }
  if ((a & 0xfe00) == 0xf800) return single(a, b);
  if ((a & 0xff80) == 0xfb00) return computes(MULTIPLY, to);
  if ((a & 0xff80) == 0xfb80) {
    struct instruction i;
    if ((a & 0x50) == 0x10 && (b & 0xf0) == 0xf0) return division(to);
    i = computes(MULTIPLY, to);
    i.computed |= bit(b >> 12);
    return i;
  }
  return computes(DATA, to);
}

struct instruction decode(unsigned first, unsigned second, bool is_wide) {
  struct instruction i = is_wide ? wide(first, second) : narrow(first);
  i.wide = is_wide;
  return i;
}

uint64_t call_target(uint64_t at, unsigned a, unsigned b) {
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
