import { exit } from '../io.ts';
import type { Verb } from '../verb.ts';

export const lspVerb: Verb = {
  name: 'lsp',
  summary: 'Speak the Language Server Protocol on standard input and output.',
  usage: '--stdio',
  options: { stdio: { type: 'boolean', summary: 'use standard input and output (the one transport)' } },
  positionals: { min: 0, max: 0 },
  async run(_args, io) {
    // Loaded here so that other verbs do not pay for the server.
    const { startServer } = await import('../../../server/src/main.ts');
    startServer();
    // The server lives until its client ends it; it exits the process itself.
    await new Promise<never>(() => undefined);
    io.err('unreachable');
    return exit.ok;
  },
};
