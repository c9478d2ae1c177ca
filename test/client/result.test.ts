import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { escapeHtml, resultPage } from '../../client/src/engine/html.ts';
import { readResult, speedUp } from '../../client/src/engine/result.ts';

const about = { model: 'kws.relay', board: 'mps2-an386', stopped: false };
const tune = {
  trials: 64,
  seconds: 41.2,
  unit: 'instructions',
  provenance: 'emulated',
  layers: [
    { name: 'conv2d_0', before: 4_000_000, after: 1_000_000 },
    { name: 'dense_1', before: { value: 60, unit: 'instructions', provenance: 'estimated' }, after: 40 },
  ],
};
const deploy = {
  matches: true,
  instructions: 1_000_100,
  provenance: 'emulated',
  ram: { used: 20480, available: 65536 },
  flash: { used: 100_000 },
};

describe('the result of Tune and Deploy', () => {
  it('every number carries its unit and where it came from', () => {
    const result = readResult(about, tune, deploy);
    assert.deepEqual(result.layers[0]?.after, { value: 1_000_000, unit: 'instructions', provenance: 'emulated' });
    assert.equal(result.layers[1]?.before?.provenance, 'estimated');
    assert.deepEqual(result.total.before, { value: 4_000_060, unit: 'instructions', provenance: 'emulated' });
    assert.deepEqual(result.total.after, { value: 1_000_100, unit: 'instructions', provenance: 'emulated' });
    assert.deepEqual(
      result.memory.map((m) => [m.name, m.used.value, m.available]),
      [
        ['RAM', 20480, 65536],
        ['Flash', 100_000, undefined],
      ],
    );
  });
  it('compares both runs in the unit that was tuned for', () => {
    const cycles = (value: number): object => ({ value, unit: 'cycles', provenance: 'emulated' });
    const byCycles = { ...tune, unit: 'cycles', total: { before: cycles(3000), after: cycles(2000) } };
    const { total } = readResult(about, byCycles, deploy);
    assert.deepEqual([total.before?.unit, total.after?.unit], ['cycles', 'cycles']);
    assert.equal(total.after?.value, 2000);
    const modelled = { ...deploy, cycleModel: cycles(1990) };
    assert.equal(readResult(about, byCycles, modelled).total.after?.value, 1990);
  });
  it('a total is not guessed when a layer has no number', () => {
    const layers = [{ name: 'a', before: 1 }, { name: 'b' }];
    assert.equal(readResult(about, { layers }, {}).total.before, undefined);
  });
  it('a speed-up compares like with like', () => {
    const figure = (value: number, unit: string) => ({ value, unit, provenance: 'emulated' });
    assert.equal(speedUp(figure(4, 'instructions'), figure(2, 'instructions')), 2);
    assert.equal(speedUp(figure(4, 'instructions'), figure(2, 'cycles')), undefined);
    assert.equal(speedUp(figure(4, 'cycles'), figure(0, 'cycles')), undefined);
  });
  it('answers of any shape give a result, not an error', () => {
    for (const odd of [undefined, {}, { layers: 3 }, { layers: [null, 1, {}] }, { total: [] }, { ram: 'x' }])
      assert.ok(resultPage(readResult(about, odd, odd), 'n').includes('</html>'));
  });
});

describe('the result view', () => {
  const page = resultPage(readResult(about, tune, deploy), 'abc123');

  it('says whether the output matches', () => {
    assert.match(page, /output on the board matches the reference/);
    assert.match(resultPage(readResult(about, tune, { ...deploy, matches: false }), 'n'), /differs from the reference/);
    assert.match(resultPage(readResult(about, tune, {}), 'n'), /was not compared/);
  });
  it('shows layers before and after with their speed-up', () => {
    assert.match(page, /conv2d_0<\/th><td class="number">4,000,000 <span class="provenance">emulated<\/span>/);
    assert.match(page, /4\.00×/);
  });
  it('runs no script and loads nothing', () => {
    assert.match(page, /default-src 'none'; style-src 'nonce-abc123';/);
    assert.ok(!page.includes('<script'));
    assert.ok(!/\sstyle="/.test(page), 'inline styles would be blocked by the policy');
    assert.ok(!/https?:/.test(page));
  });
  it('names from the program never become markup', () => {
    const evil = '<img src=x onerror=alert(1)>"\'&';
    const hostile = readResult(
      { model: evil, board: evil, stopped: false },
      {
        layers: [{ name: evil, before: { value: 1, unit: evil, provenance: evil }, after: 1, description: evil }],
        failure: { message: evil },
        difference: evil,
      },
      { matches: true, provenance: evil },
    );
    const text = resultPage(hostile, 'n');
    assert.ok(!text.includes('<img'));
    assert.ok(text.includes(escapeHtml(evil)));
  });
});
