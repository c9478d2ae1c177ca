import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasDriver, screenshot, tell, texts, until } from './driver.ts';
import { closeAll, model, open, rowThat, setting } from './editor.ts';

const picked = (): Promise<string[]> => texts('.quick-input-list .monaco-list-row');

/** Boards, models, runs, records; choosing and first steps. */
export function sidebarTests(): void {
  describe('the Relay side bar', () => {
    afterEach(closeAll);
    after(() => setting('board', undefined));

    it('lists boards with what is missing, and models with their fit on the chosen board', async function () {
      if (!hasDriver) this.skip();
      this.timeout(90_000);
      // Rows out of sight are not in the page.
      await tell('size', { width: 1280, height: 1500 });
      await open(model);
      await vscode.commands.executeCommand('relay.models.focus');
      await setting('board', 'nrf52840dk');
      await rowThat('the chosen board', /nrf52840dk.*chosen/);
      await rowThat('the fit of the model', /keyword_spotting\.relay.*RAM .* of 256 KB · flash .* of 1 MB/);
      await rowThat('the broken model', /broken\.relay.*does not compile/);
      await tell('size', { width: 1280, height: 800 });
    });

    it('asks for a board and keeps the choice', async function () {
      if (!hasDriver) this.skip();
      await setting('board', undefined);
      const asked = vscode.commands.executeCommand('relay.chooseBoard');
      const rows = await until('the boards', async () => {
        const found = await picked();
        return found.some((row) => row.includes('mps2-an386')) ? found : undefined;
      });
      assert.ok(
        rows.some((row) => /mps2-an386[\s\S]*emulated/.test(row)),
        rows.join('\n'),
      );
      await screenshot('boards');
      await tell('type', { text: 'an386' });
      await until('the board alone', async () => (await picked()).every((row) => row.includes('an386')));
      await tell('press', { key: 'Enter' });
      await asked;
      assert.equal(vscode.workspace.getConfiguration('relay').get('board'), 'mps2-an386');
      await setting('board', undefined);
    });

    it('asks for parameters where none lie beside the model', async function () {
      if (!hasDriver) this.skip();
      const { document } = await open('convolution.relay');
      const asked = vscode.commands.executeCommand('relay.tuneAndDeploy', document.uri, { board: 'host', trials: 1 });
      await until('the question', async () => (await picked()).some((row) => row.includes('no parameters')));
      assert.ok((await picked()).some((row) => row.includes('Choose a parameter file')));
      await tell('press', { key: 'Escape' });
      assert.equal(await asked, undefined);
    });
  });

  describe('first steps', () => {
    afterEach(closeAll);

    it('are told in a walkthrough', async function () {
      if (!hasDriver) this.skip();
      const { id } = vscode.extensions.all.find((e) => e.id.endsWith('relay-ide')) ?? { id: '' };
      await vscode.commands.executeCommand('workbench.action.closePanel');
      await vscode.commands.executeCommand('workbench.action.openWalkthrough', `${id}#start`, false);
      await until('its steps', async () =>
        (await texts('.getting-started-step .step-title, .getting-started-step h3')).some((text) =>
          text.includes('See every stage down to C'),
        ),
      );
      await vscode.commands.executeCommand('workbench.action.closeSidebar');
      await vscode.commands.executeCommand('notifications.clearAll');
      if (process.env['RELAY_TEST_PICTURES']) await new Promise((resolve) => setTimeout(resolve, 3000));
      await screenshot('walkthrough');
      await vscode.commands.executeCommand('workbench.view.explorer');
    });

    it('every setting is described in the settings editor', async function () {
      if (!hasDriver) this.skip();
      await vscode.commands.executeCommand('workbench.action.openSettings', '@ext:relay-ide.relay-ide');
      const shown = await until('settings', async () => {
        const found = await texts('.setting-item-contents');
        return found.length > 2 ? found : undefined;
      });
      for (const text of shown) assert.ok(text.replace(/\s+/g, ' ').length > 40, text);
    });

    it('the status bar shows that the server runs', async function () {
      if (!hasDriver) this.skip();
      await open('network.relay');
      await until('the status', async () =>
        (await texts('.statusbar-item')).some((text) => /^\s*Relay\s*$/.test(text)),
      );
    });

    it('the status bar has its entry only while a Relay file is looked at', async function () {
      if (!hasDriver) this.skip();
      const entries = async (): Promise<readonly string[]> =>
        (await texts('.statusbar-item[id$="relay.state"]')).filter((text) => /^\s*Relay\s*$/.test(text));
      await open('network.relay');
      await until('the entry', async () => (await entries()).length === 1);
      const other = await vscode.workspace.openTextDocument({ language: 'plaintext', content: 'no program' });
      await vscode.window.showTextDocument(other);
      await until('its end', async () => (await entries()).length === 0);
      await open('network.relay');
      await until('the entry again', async () => (await entries()).length === 1);
    });
  });
}
