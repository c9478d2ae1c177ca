/**
 * What tests may ask of the browser that shows this VS Code: pictures, keys, the mouse, the text on the screen. Without
 * a driver (VS Code started by `@vscode/test-electron`) each request answers `undefined`.
 */
import * as path from 'node:path';

/** True when a browser shows this VS Code and does what tests ask. */
export const hasDriver = process.env['RELAY_TEST_DRIVER'] !== undefined;

/** Sends one request to the driver; resolves to its answer. */
export async function tell(action: string, data: unknown = {}): Promise<unknown> {
  const driver = process.env['RELAY_TEST_DRIVER'];
  if (!driver) return undefined;
  const answer = await fetch(`${driver}/${action}`, { method: 'POST', body: JSON.stringify(data) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${action}: ${text}`);
  return JSON.parse(text) as unknown;
}

/** Writes what is on the screen to `<name>.png` in the folder of pictures. */
export async function screenshot(name: string): Promise<void> {
  const folder = process.env['RELAY_TEST_SCREENSHOTS'];
  if (folder) await tell('screenshot', { path: path.join(folder, `${name}.png`) });
}

/** The texts of the elements on the screen that match a CSS selector. */
export async function texts(selector: string): Promise<string[]> {
  return ((await tell('texts', { selector })) ?? []) as string[];
}

/** The texts of the elements that match inside the visible webview. */
export async function webviewTexts(selector: string): Promise<string[]> {
  return ((await tell('webviewTexts', { selector })) ?? []) as string[];
}

/** Asks again and again until `probe` gives something. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
  milliseconds = 30_000,
): Promise<NonNullable<T>> {
  const end = Date.now() + milliseconds;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value as NonNullable<T>;
    if (Date.now() > end) throw new Error(`${what} did not happen within ${milliseconds / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
