import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasDriver, screenshot, tell, texts, until, webviewTexts } from './driver.ts';
import { closeAll, file, open, setting } from './editor.ts';

/** As much of the command's result as the tests look at. */
interface Result {
  readonly board: string;
  readonly matches: boolean | undefined;
  readonly layers: readonly { readonly before?: Figure; readonly after?: Figure }[];
  readonly total: { readonly before?: Figure; readonly after?: Figure };
  readonly memory: readonly { readonly name: string; readonly used: Figure }[];
}
interface Figure {
  readonly value: number;
  readonly unit: string;
  readonly provenance: string;
}

/** From the source to the emulated board. */
export function deployTests(): void {
  describe('Tune and Deploy', () => {
    after(closeAll);

    it('tunes on the emulated board and shows what it won, with the output proved right', async function () {
      this.timeout(240_000);
      const { document } = await open('keyword_spotting.relay');
      const running = vscode.commands.executeCommand<Result | undefined>('relay.tuneAndDeploy', document.uri, {
        board: 'mps2-an386',
        trials: Number(process.env['RELAY_TEST_TRIALS'] ?? 8),
      });
      if (hasDriver) {
        const toast = await until('progress', async () =>
          (await texts('.notification-toast')).find((text) =>
            /Tuning keyword_spotting\.relay on mps2-an386/.test(text),
          ),
        );
        assert.ok(toast);
        // The curve is drawn while the run goes on.
        await tell('size', { width: 1280, height: 1000 });
        await vscode.commands.executeCommand('relay.runs.focus');
        assert.match((await webviewTexts('h2')).join(), /keyword_spotting\.relay on mps2-an386/);
        await until(
          'the curve of the best cost',
          async () => (await webviewTexts('p')).find((text) => /\d+ of \d+ trials, best/.test(text)),
          120_000,
        );
        if (process.env['RELAY_TEST_PICTURES']) {
          await until(
            'a curve to look at',
            async () => (await webviewTexts('p')).find((text) => /^[3-9]\d of/.test(text)),
            120_000,
          );
          await screenshot('tuning');
        }
      }
      const result = await running;
      await tell('size', { width: 1280, height: 800 });
      assert.ok(result, 'there is a result');
      assert.equal(result.matches, true);
      assert.equal(result.board, 'mps2-an386');
      const { before, after } = result.total;
      assert.ok(before && after && after.value <= before.value, `${after?.value} after, ${before?.value} before`);
      assert.equal(after.provenance, 'emulated');
      assert.ok(result.layers.length > 3);
      for (const layer of result.layers) assert.ok(layer.before && layer.after);
      assert.deepEqual(
        result.memory.map((m) => m.name),
        ['RAM', 'Flash'],
      );
    });

    it('shows the result in a view that says where each number came from', async function () {
      if (!hasDriver) this.skip();
      await vscode.commands.executeCommand('workbench.action.closeSidebar');
      const verdict = await webviewTexts('.verdict');
      assert.match(verdict.join(' '), /matches the reference/);
      const cards = (await webviewTexts('.card')).join('\n');
      for (const word of ['Untuned', 'Tuned', 'Speed-up', 'RAM', 'Flash', 'emulated'])
        assert.ok(cards.includes(word), word);
      assert.ok((await webviewTexts('tbody tr')).length > 3);
      await vscode.commands.executeCommand('notifications.clearAll');
      await screenshot('result');
      await vscode.commands.executeCommand('workbench.view.explorer');
    });

    it('takes what is not said with the command from the settings of tuning', async function () {
      this.timeout(240_000);
      const { document } = await open('keyword_spotting.relay');
      const recorded = async (): Promise<readonly { readonly cycles?: unknown }[]> => {
        const bytes = await vscode.workspace.fs.readFile(file('.relay/records.jsonl')).then(undefined, () => undefined);
        const lines = new TextDecoder().decode(bytes).split('\n');
        return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as object);
      };
      const tune = (): Thenable<Result | undefined> =>
        vscode.commands.executeCommand('relay.tuneAndDeploy', document.uri, { board: 'mps2-an386' });
      const before = await recorded();
      await setting('tune.trials', 3);
      await setting('tune.cost', 'cycles');
      try {
        const result = await tune();
        assert.equal(result?.total.after?.unit, 'cycles');
        const added = (await recorded()).slice(before.length);
        assert.equal(added.length, 3);
        for (const record of added) assert.ok(record.cycles);
        await vscode.commands.executeCommand('notifications.clearAll');
        // A limit of memory that no build can keep ends in its error, not in a build without it.
        await setting('tune.trials', 1);
        await setting('tune.arena', 64);
        assert.equal(await tune(), undefined);
      } finally {
        for (const name of ['trials', 'cost', 'arena']) await setting(`tune.${name}`, undefined);
        await vscode.commands.executeCommand('notifications.clearAll');
      }
    });

    it('can be stopped, and says so', async function () {
      if (!hasDriver) this.skip();
      this.timeout(120_000);
      const { document } = await open('keyword_spotting.relay');
      const running = vscode.commands.executeCommand<Result | undefined>('relay.tuneAndDeploy', document.uri, {
        board: 'mps2-an386',
        trials: 5000,
      });
      await until('trials', async () =>
        (await texts('.notification-toast')).find((text) => /\d+ of 5000 trials · best .* instructions/.test(text)),
      );
      await tell('click', {
        selector:
          '.notification-toast .monaco-button:has-text("Cancel"), .notification-toast .action-label.codicon-notifications-clear',
      });
      await until(
        'the offer to deploy',
        async () => (await texts('.notification-toast')).find((text) => /was stopped/.test(text)),
        60_000,
      );
      await vscode.commands.executeCommand('notifications.clearAll');
      const result = await running;
      assert.ok(result === undefined || result.matches === true);
    });
  });
}
