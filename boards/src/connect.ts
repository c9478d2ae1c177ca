/** The board of a profile. */
import type { Result } from '../../compiler/src/base/result.ts';
import { ok } from '../../compiler/src/base/result.ts';
import type { Board, BoardProfile } from './board.ts';
import { GdbBoard } from './gdb-board.ts';
import { connectGdbServer } from './gdb-server.ts';
import { HostBoard } from './host-board.ts';
import { startQemu } from './qemu.ts';

/** Connects to (or starts) a board. `emulator` is a setting of the machine: where QEMU is. */
export async function connectBoard(
  profile: BoardProfile,
  options: { readonly emulator?: string | undefined } = {},
): Promise<Result<Board>> {
  if (profile.transport.kind === 'process') return ok(new HostBoard(profile));
  const emulated = profile.transport.kind === 'qemu';
  const board = new GdbBoard(profile, () =>
    emulated ? startQemu(profile, options.emulator) : connectGdbServer(profile),
  );
  const connected = await board.connect();
  return connected.ok ? ok(board) : connected;
}
