/** Shared by tests on boards: opening them, or skipping with a message where a tool is missing. */
import { readFileSync } from 'node:fs';
import type { Context } from 'mocha';
import type { Board, BoardProfile } from '../../boards/src/board.ts';
import { findCommand, runningChildren } from '../../boards/src/child.ts';
import { connectBoard } from '../../boards/src/connect.ts';
import { findProfile } from '../../boards/src/profile.ts';
import type { LinkedImage } from '../../boards/src/size.ts';
import { Toolchain } from '../../boards/src/toolchain.ts';

export function must<T>(
  result:
    | { readonly ok: true; readonly value: T }
    | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } },
): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}

export function profileOf(name: string): BoardProfile {
  return must(findProfile(name));
}

/** Skips the test when a tool of the board is missing. */
export function needTools(context: Context, profile: BoardProfile): void {
  const tools = [profile.compiler.command, ...(profile.transport.kind === 'qemu' ? [profile.transport.command] : [])];
  const missing = tools.filter((tool) => findCommand(tool) === undefined);
  if (missing.length === 0) return;
  console.log(`      skipped: ${missing.join(' and ')} not installed`);
  context.skip();
}

/** Process ids of the emulators that this process started (Linux). */
export function emulatorIds(): number[] {
  return runningChildren().filter((id) => readFileSync(`/proc/${id}/cmdline`, 'utf8').includes('qemu-system'));
}

/** Builds C text for a board and opens it; everything is closed after `use`. */
export async function withProgram(
  profile: BoardProfile,
  text: string,
  use: (board: Board, image: LinkedImage, toolchain: Toolchain) => Promise<void>,
): Promise<void> {
  const toolchain = must(await Toolchain.open(profile));
  let board: Board | undefined;
  try {
    const image = must(await toolchain.build([{ name: 'program.c', text }]));
    board = must(await connectBoard(profile));
    must(await board.load(image));
    await use(board, image, toolchain);
  } finally {
    await board?.close();
    await toolchain.close();
  }
}
