import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { renderTable } from '../../cli/src/render.ts';
import { relay } from './relay.ts';

describe('what the command line prints', () => {
  it('fits a table of kernels into a narrow terminal, with all of its numbers', () => {
    const rows = [
      ['conv2d 8×4 stride 2×1, 1→24, 13×10, int8', '215,723', '211,194'],
      ['softmax 8, int8', '578', '578'],
    ];
    const lines = renderTable(['kernel', 'untuned', 'tuned'], rows, 40).split('\n');
    assert.deepEqual(
      lines.filter((line) => line.length > 40),
      [],
    );
    for (const number of ['215,723', '211,194', '578']) assert.ok(lines.some((line) => line.includes(number)));
    assert.match(renderTable(['kernel', 'untuned', 'tuned'], rows), /^conv2d 8×4 stride 2×1, 1→24, 13×10, int8 {2}/m);
  });

  it('says how a file is named whose name looks like an option', async () => {
    const { code, err } = await relay('check', '-dash.relay');
    assert.equal(code, 2);
    assert.match(err, /is named \.\/-dash\.relay\./);
  });
});
