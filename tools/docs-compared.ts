/** Fills in what this tool says on the page that compares error messages. */
import { loadText, printDiagnostics } from '../cli/src/source.ts';

const token = { isCancellationRequested: false };

/** What `relay check` prints of a program. */
function messagesOf(program: string): string {
  const lines: string[] = [];
  const io = { out: () => undefined, err: () => undefined, token, colour: false };
  printDiagnostics(loadText('model.relay', program, token), io, (text) => void lines.push(text));
  return lines.join('\n');
}

/** The page with the block behind each **relay check** written anew from the program above it. */
export function withOwnMessages(page: string): string {
  return page.replaceAll(
    /(```relay\n([^]*?)```\n(?:(?!\n## )[^])*?\*\*relay check\*\*\n\n```text\n)[^]*?```/g,
    (_, before: string, program: string) => `${before}${messagesOf(program)}\n\`\`\``,
  );
}
