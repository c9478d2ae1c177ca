/**
 * Drives a real VS Code: code-server and chromium, with a suite running inside the extension host. The suite talks back
 * over a small HTTP server on this machine (`RELAY_TEST_DRIVER`): results, screenshots, the mouse and the keyboard, so
 * that tests can look at what a person sees.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer as createSocketServer } from 'node:net';
import { join, sep } from 'node:path';
import { chromium } from 'playwright-core';
import { withPalette } from './palette.mjs';
import { entry, root } from './setup.mjs';

const scratch = join(root, '.vscode-test');

/** Arguments of the browser: nothing but the page. */
const browserArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--force-color-profile=srgb',
];

/** Settings that make runs repeatable; a run's own settings come on top. */
const calm = {
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.reduceMotion': 'on',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  // The web's default would write what a test types.
  'files.autoSave': 'off',
  'git.enabled': false,
  'npm.autoDetect': 'off',
  'chat.commandCenter.enabled': false,
  'editor.cursorBlinking': 'solid',
  'window.commandCenter': false,
  'window.title': '${activeEditorShort}${separator}Relay IDE',
  'editor.minimap.enabled': false,
};

/** A port that nobody listens on. */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createSocketServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function until(what, milliseconds, probe) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what} did not happen within ${milliseconds / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Actions that a suite may ask for. Each gets the page and the request's JSON; what it returns goes back as JSON. */
const actions = {
  async screenshot(page, { path }) {
    await mkdir(join(path, '..'), { recursive: true });
    const picture = await page.screenshot();
    // Pictures of the documentation are kept; others only looked at.
    await writeFile(path, path.includes(`${sep}docs${sep}`) ? withPalette(picture) : picture);
  },
  async press(page, { key }) {
    await page.keyboard.press(key);
  },
  async type(page, { text }) {
    await page.keyboard.type(text);
  },
  async click(page, { selector }) {
    await page.locator(selector).first().click({ timeout: 10_000 });
  },
  async hover(page, { selector, x, y }) {
    await page
      .locator(selector)
      .first()
      .hover({ timeout: 10_000, ...(x === undefined ? {} : { position: { x, y } }) });
  },
  async pointer(page, { x, y }) {
    await page.mouse.move(x, y);
  },
  /** Text of every element that matches. */
  async texts(page, { selector }) {
    return page.locator(selector).allInnerTexts();
  },
  /** How many elements match. */
  async count(page, { selector }) {
    return page.locator(selector).count();
  },
  /** Text of every element that matches inside the frame of the visible webview. */
  async webviewTexts(page, { selector }) {
    const frame = page.frameLocator('iframe.webview.ready').first().frameLocator('iframe#active-frame');
    await frame.locator(selector).first().waitFor({ timeout: 15_000, state: 'attached' });
    // Elements of an SVG have no innerText.
    return frame.locator(selector).evaluateAll((found) => found.map((e) => e.innerText ?? e.textContent ?? ''));
  },
  /** A click inside the visible webview. */
  async webviewClick(page, { selector }) {
    const frame = page.frameLocator('iframe.webview.ready').first().frameLocator('iframe#active-frame');
    await frame.locator(selector).first().click({ timeout: 10_000 });
  },
  /** Puts the keyboard's focus on an element inside the visible webview. */
  async webviewFocus(page, { selector }) {
    const frame = page.frameLocator('iframe.webview.ready').first().frameLocator('iframe#active-frame');
    await frame.locator(selector).first().focus({ timeout: 10_000 });
  },
  async size(page, { width, height }) {
    await page.setViewportSize({ width, height });
  },
};

/** A started code-server with a browser; one for all suites. */
export class Workbench {
  constructor() {
    this.page = undefined;
    this.results = undefined;
  }

  /** Starts control server, code-server and browser. `settings` are the user's settings. */
  async start({ settings = {}, environment = {} } = {}) {
    this.home = join(scratch, `profile-${process.pid}-${Date.now()}`);
    await mkdir(join(this.home, 'user', 'User'), { recursive: true });
    await mkdir(join(this.home, 'extensions'), { recursive: true });
    await writeFile(join(this.home, 'user', 'User', 'settings.json'), JSON.stringify({ ...calm, ...settings }));
    const control = await this.startControl();
    this.port = await freePort();
    this.server = spawn(
      process.execPath,
      [
        entry,
        ...['--auth', 'none', '--bind-addr', `127.0.0.1:${this.port}`, '--disable-telemetry', '--disable-update-check'],
        ...['--user-data-dir', join(this.home, 'user'), '--extensions-dir', join(this.home, 'extensions')],
        ...['--config', join(this.home, 'config.yaml')],
        root,
      ],
      {
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...environment, RELAY_TEST_DRIVER: control, VSCODE_PROXY_URI: '' },
      },
    );
    this.log = '';
    const keep = (chunk) => (this.log = (this.log + String(chunk)).slice(-20_000));
    this.server.stdout.on('data', keep);
    this.server.stderr.on('data', keep);
    const address = `http://127.0.0.1:${this.port}`;
    await until('the start of code-server', 60_000, () => {
      if (this.server.exitCode !== null) throw new Error(`code-server did not start:\n${this.log}`);
      return fetch(`${address}/healthz`).then(
        (answer) => answer.ok,
        () => false,
      );
    });
    this.browser = await chromium.launch({ executablePath: findChromium(), args: browserArguments });
  }

  async startControl() {
    this.control = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        this.answer(request.url.slice(1), body).then(
          (value) => response.end(JSON.stringify(value ?? null)),
          (error) => {
            response.statusCode = 500;
            response.end(String(error));
          },
        );
      });
    });
    await new Promise((resolve) => this.control.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${this.control.address().port}`;
  }

  async answer(action, body) {
    const data = body ? JSON.parse(body) : {};
    if (action === 'say') {
      console.log(data.line);
      return undefined;
    }
    if (action === 'result') {
      this.results = data;
      return undefined;
    }
    if (!(action in actions)) throw new Error(`unknown action ${action}`);
    return actions[action](this.page, data);
  }

  /**
   * Opens `workspace` with the extension in `extension` and runs the suite in `suite` (a CommonJS file with `run()`).
   * Resolves to the counts that the suite reported; a run that ends without any counts as one failure.
   */
  async run({ workspace, extension = root, suite, timeout = 300_000, size = { width: 1280, height: 800 } }) {
    const address = `http://127.0.0.1:${this.port}`;
    const remote = (path) => `vscode-remote://127.0.0.1:${this.port}${path}`;
    const payload = JSON.stringify([
      ['extensionDevelopmentPath', remote(extension)],
      ['extensionTestsPath', remote(suite)],
    ]);
    const context = await this.browser.newContext({ viewport: size });
    this.page = await context.newPage();
    this.results = undefined;
    let exited;
    const exit = new Promise((resolve) => (exited = resolve));
    await this.page.exposeFunction('codeAutomationExit', (code) => exited(code));
    // The workbench talks a lot; it is shown only when something went wrong.
    const chatter = [];
    await this.page.exposeFunction('codeAutomationLog', (level, args) => {
      chatter.push(`${level}: ${args.map(String).join(' ')}`);
      if (chatter.length > 200) chatter.shift();
    });
    const page = new URL(address);
    page.searchParams.set('folder', workspace);
    page.searchParams.set('payload', payload);
    await this.page.goto(page.href);
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(() => resolve('late'), timeout)));
    const code = await Promise.race([exit, late]);
    clearTimeout(timer);
    if (code !== 0) {
      const path = join(scratch, 'failure.png');
      await this.page.screenshot({ path }).catch(() => {});
      console.error(
        code === 'late' ? `The suite did not end within ${timeout / 1000} s.` : `The suite ended with ${code}.`,
      );
      if (!this.results) console.error(chatter.slice(-40).join('\n'));
      console.error(`See ${path}`);
    }
    await context.close();
    this.page = undefined;
    const results = this.results ?? { passes: 0, failures: 1, pending: 0 };
    return code === 0 || results.failures > 0 ? results : { ...results, failures: results.failures + 1 };
  }

  /** Ends everything that `start` started. */
  async stop() {
    await this.browser?.close().catch(() => {});
    if (this.server?.pid && this.server.exitCode === null) {
      const ended = new Promise((resolve) => this.server.once('exit', resolve));
      try {
        process.kill(-this.server.pid, 'SIGTERM');
        const timer = setTimeout(() => process.kill(-this.server.pid, 'SIGKILL'), 5000);
        await ended;
        clearTimeout(timer);
      } catch {
        // It ended by itself.
      }
    }
    this.control?.close();
    await rm(this.home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }).catch(() => {});
  }
}

function findChromium() {
  return process.env.RELAY_CHROMIUM ?? '/usr/bin/chromium';
}
