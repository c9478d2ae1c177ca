/** Connects to a debug probe's GDB server over TCP, starting the server when the profile says how. */
import { connect as connectSocket, type Socket } from 'node:net';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import type { BoardProfile } from './board.ts';
import { findCommand, killChild, startChild } from './child.ts';
import type { GdbLink } from './gdb-board.ts';
import { GdbClient } from './rsp/client.ts';
import { RspConnection } from './rsp/connection.ts';
import { stubDialect } from './rsp/stubs.ts';

const CONNECT_MS = 3000;
const SERVER_START_MS = 8000;

function tryConnect(host: string, port: number): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, host);
    const timer = setTimeout(() => {
      socket.destroy();
      resolve('no answer');
    }, CONNECT_MS);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.once('error', (error) => {
      clearTimeout(timer);
      resolve(error.message);
    });
  });
}

/** Opens a session with the server of a `gdb` profile. */
export async function connectGdbServer(profile: BoardProfile): Promise<Result<GdbLink>> {
  const { transport } = profile;
  if (transport.kind !== 'gdb') throw new Error('not a board behind a debug server');
  const dialect = stubDialect(transport.dialect ?? 'openocd');
  if (!dialect) return fail('bad-board-profile', `There is no debug server named ${transport.dialect}.`);
  const { host, port } = transport;
  let server: ReturnType<typeof startChild> | undefined;
  let reached = await tryConnect(host, port);
  const executable = transport.server && findCommand(transport.server.command);
  if (typeof reached === 'string' && transport.server && executable) {
    server = startChild(executable, transport.server.args);
    server.stdout?.resume();
    server.stderr?.resume();
    const end = Date.now() + SERVER_START_MS;
    while (typeof reached === 'string' && server.exitCode === null && Date.now() < end) {
      await new Promise((done) => setTimeout(done, 100));
      reached = await tryConnect(host, port);
    }
  }
  if (typeof reached === 'string') {
    if (server) killChild(server);
    const message = `No debug server answers at ${host}:${port} for the board ${profile.name}: ${reached}.`;
    return fail('board-lost', message, `Connect the board and start ${dialect.label}: \`${dialect.start}\`.`);
  }
  reached.setNoDelay(true);
  const connection = new RspConnection(reached);
  const client = new GdbClient(connection, dialect);
  const close = (): Promise<void> => {
    connection.close();
    server?.kill('SIGTERM');
    return Promise.resolve();
  };
  const started = await client.start();
  if (started.ok) return ok({ client, ended: () => Promise.resolve(undefined), close });
  await close();
  if (started.error.code !== 'board-timeout') return started;
  // It was reached, and said nothing that makes sense.
  const message = `What listens at ${host}:${port} for the board ${profile.name} does not answer as ${dialect.label}'s GDB server does.`;
  return fail(
    'board-timeout',
    message,
    'Check `port` and `dialect` of the profile, the cable, and the power of the board.',
  );
}
