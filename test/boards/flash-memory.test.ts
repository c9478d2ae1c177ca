/** The flash interface of the cycle model, access by access. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { findCommand } from '../../boards/src/child.ts';
import { runtimeFolder } from '../../boards/src/resources.ts';

/** Reads `f` or `l` (fetch, load), an address and a time from each line and writes the cycles to wait. */
const driver = `#include <stdio.h>
#include <stdlib.h>
#include "memory.h"
static struct memory memory;
int main(int argc, char **argv) {
  char what; unsigned address, now;
  memory.flash_bytes = 4096;
  memory.wait_states = atoi(argv[1]);
  memory.read_bytes = 16;
  memory.prefetch = atoi(argv[2]);
  memory.code.lines = atoi(argv[3]);
  memory.data.lines = atoi(argv[4]);
  memory.code.line_bytes = memory.data.line_bytes = 32;
  memory_reset(&memory);
  while (scanf(" %c %u %u", &what, &address, &now) == 3)
    printf("%u ", (what == 'f' ? memory_fetch : memory_load)(&memory, address, now));
  return 0;
}`;

describe('the modelled flash', function () {
  this.timeout(30_000);
  let folder = '';
  before(function () {
    if (findCommand('gcc') === undefined) return this.skip();
    folder = mkdtempSync(path.join(tmpdir(), 'relay-flash-'));
    writeFileSync(path.join(folder, 'driver.c'), driver);
    const sources = path.join(runtimeFolder(), 'qemu-plugin');
    execFileSync('gcc', ['-I', sources, '-o', 'run', 'driver.c', path.join(sources, 'memory.c')], { cwd: folder });
  });
  after(() => {
    if (folder !== '') rmSync(folder, { recursive: true });
  });
  /** Five wait states; each access is far behind the one before unless it says when it is. */
  function waits(
    options: { prefetch?: number; code?: number; data?: number; states?: number },
    text: string,
  ): number[] {
    const { prefetch = 0, code = 0, data = 0, states = 5 } = options;
    const input = text
      .split(' ')
      .map((access, i) => {
        const [where = '', when = `${1000 * i}`] = access.slice(1).split('@');
        return `${access.slice(0, 1)} ${where} ${when}`;
      })
      .join('\n');
    const args = [states, prefetch, code, data].map(String);
    const out = execFileSync(path.join(folder, 'run'), args, { input, encoding: 'utf8' });
    return out.trim().split(' ').map(Number);
  }

  it('is waited for once in 16 bytes, for code and for data each', () => {
    assert.deepEqual(waits({}, 'f0 f4 f12 f16 f0 l4 l8 f4 l0 l32 l0'), [5, 0, 0, 5, 5, 5, 0, 0, 0, 5, 5]);
  });
  it('is not waited for at zero wait states, nor outside of it', () => {
    assert.deepEqual(waits({ states: 0 }, 'f0 l0 f512'), [0, 0, 0]);
    assert.deepEqual(waits({}, 'f4096 l8192'), [0, 0]);
  });
  it('keeps the lines that were used last', () => {
    assert.deepEqual(waits({ code: 2 }, 'f0 f32 f0 f64 f0 f32 f64'), [5, 5, 0, 5, 0, 5, 5]);
    assert.deepEqual(waits({ data: 1 }, 'l0 l16 l0 l32 l0'), [5, 5, 0, 5, 5]);
  });
  it('reads code ahead while nobody waits', () => {
    // The first read ends at 6, the next one, begun then, can be used from 11 on.
    assert.deepEqual(waits({ prefetch: 1 }, 'f0@0 f16@8'), [5, 3]);
    assert.deepEqual(waits({ prefetch: 1 }, 'f0@0 f16@40 f64@80'), [5, 0, 5]);
  });
  it('serves one read after the other', () => {
    assert.deepEqual(waits({}, 'f0@0 l64@0'), [5, 11]);
  });
});
