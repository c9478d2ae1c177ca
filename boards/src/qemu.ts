/** Starts QEMU with its GDB stub on a private socket and connects to it as to any debug probe's server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectSocket, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fail, ok, type Failure, type Result } from '../../compiler/src/base/result.ts';
import type { BoardProfile } from './board.ts';
import { findCommand, killChild, startChild } from './child.ts';
import type { GdbLink } from './gdb-board.ts';
import { GdbClient } from './rsp/client.ts';
import { RspConnection } from './rsp/connection.ts';
import { stubDialect } from './rsp/stubs.ts';
import { missingTool } from './toolchain.ts';

const START_LIMIT_MS = 10_000;

/** A free port of the loopback interface, for systems without UNIX sockets. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
  });
}

/** Connects, trying again until `alive` is false or the time is up. */
async function connectWhenUp(open: () => Socket, alive: () => boolean): Promise<Socket | undefined> {
  const end = Date.now() + START_LIMIT_MS;
  while (alive() && Date.now() < end) {
    const socket = open();
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => {
        resolve(true);
      });
      socket.once('error', () => {
        resolve(false);
      });
    });
    if (connected) return socket;
    socket.destroy();
    await new Promise((done) => setTimeout(done, 3));
  }
  return undefined;
}

/** Starts the emulator of a profile; `command` (a machine setting) overrides where it is. */
export async function startQemu(profile: BoardProfile, command?: string): Promise<Result<GdbLink>> {
  const { transport } = profile;
  if (transport.kind !== 'qemu') throw new Error('not an emulated board');
  const executable = findCommand(command ?? transport.command);
  if (executable === undefined) return { ok: false, error: missingTool(transport.command, transport.package) };
  const dialect = stubDialect('qemu');
  if (!dialect) throw new Error('no dialect for QEMU');

  const folder = mkdtempSync(path.join(tmpdir(), 'relay-qemu-'));
  const socketPath = path.join(folder, 'gdb');
  const port = process.platform === 'win32' ? await freePort() : undefined;
  const endpoint =
    port === undefined
      ? `path=${socketPath},server=on,wait=off`
      : `host=127.0.0.1,port=${port},server=on,wait=off,nodelay=on`;
  const args = [...transport.args, '-S', '-chardev', `socket,id=gdb,${endpoint}`, '-gdb', 'chardev:gdb'];
  const child = startChild(executable, args);
  let alive = true;
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (words.length < 8192) words += text;
  });
  child.stdout?.resume();
  const exited = new Promise<void>((resolve) => {
    const finish = (): void => {
      alive = false;
      rmSync(folder, { recursive: true, force: true });
      resolve();
    };
    child.once('close', finish);
    child.once('error', (error) => {
      words += error.message;
      finish();
    });
  });
  const kill = async (): Promise<void> => {
    killChild(child);
    await exited;
  };
  const ended = async (): Promise<Failure | undefined> => {
    // The socket closes a moment before the exit of the process is known.
    await Promise.race([exited, new Promise((done) => setTimeout(done, 500))]);
    return alive ? undefined : lastWords(words, child.signalCode);
  };

  const socket = await connectWhenUp(
    () => (port === undefined ? connectSocket(socketPath) : connectSocket(port, '127.0.0.1')),
    () => alive,
  );
  if (!socket) {
    await kill();
    return { ok: false, error: lastWords(words, null) };
  }
  // Connected: nobody else needs to find the socket, and nothing is left behind however this process ends.
  rmSync(folder, { recursive: true, force: true });
  socket.setNoDelay(true);
  const connection = new RspConnection(socket);
  const client = new GdbClient(connection, dialect);
  const close = async (): Promise<void> => {
    connection.close();
    await kill();
  };
  const started = await client.start();
  if (!started.ok) {
    const why = (await ended()) ?? started.error;
    await close();
    return { ok: false, error: why };
  }
  return ok({ client, ended, close });
}

/** Why QEMU is gone. A locked-up core ends QEMU 7 itself; that is the program's fault, not the board's. */
function lastWords(words: string, signal: NodeJS.Signals | null): Failure {
  if (/Lockup/i.test(words)) {
    return { code: 'core-locked-up', message: 'The core locked up: a fault inside the fault handler.' };
  }
  const line = words.trim().split('\n')[0] ?? '';
  const how = line !== '' ? line : signal ? `ended by ${signal}` : 'it ended without a message';
  const failed = fail(
    'board-lost',
    `The emulator stopped: ${how}.`,
    'Start the operation again; a new emulator is started.',
  );
  return failed.error;
}
