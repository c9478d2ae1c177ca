/** Board profiles: the built-in ones, and loading others from JSON with messages that name the field. */
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import { LineIndex } from '../../compiler/src/base/span.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import type { BoardProfile } from './board.ts';
import { violations, type Schema } from './schema.ts';
import host from '../profiles/host.json' with { type: 'json' };
import mps2An386 from '../profiles/mps2-an386.json' with { type: 'json' };
import mps2An386L4r5 from '../profiles/mps2-an386-l4r5.json' with { type: 'json' };
import microbit from '../profiles/microbit.json' with { type: 'json' };
import mps2An385 from '../profiles/mps2-an385.json' with { type: 'json' };
import mps2An500 from '../profiles/mps2-an500.json' with { type: 'json' };
import mps2An505 from '../profiles/mps2-an505.json' with { type: 'json' };
import mps3An547 from '../profiles/mps3-an547.json' with { type: 'json' };
import nrf52840dk from '../profiles/nrf52840dk.json' with { type: 'json' };
import profileSchema from '../profiles/profile.schema.json' with { type: 'json' };
import riscv32Virt from '../profiles/riscv32-virt.json' with { type: 'json' };
import stm32f4Discovery from '../profiles/stm32f4-discovery.json' with { type: 'json' };
import stm32f746Disco from '../profiles/stm32f746-disco.json' with { type: 'json' };

/** Profiles that ship with the project, in the order in which lists show them. */
export const builtinProfiles: readonly BoardProfile[] = [
  mps2An386,
  host,
  stm32f4Discovery,
  stm32f746Disco,
  nrf52840dk,
  mps2An386L4r5,
  mps2An385,
  mps2An500,
  mps2An505,
  mps3An547,
  microbit,
  riscv32Virt,
].map((data) => data as unknown as BoardProfile); // a test validates every one against the schema

/** The built-in profile of that name. */
export function findProfile(name: string, more: readonly BoardProfile[] = []): Result<BoardProfile> {
  const all = [...more, ...builtinProfiles.filter((profile) => !more.some((one) => one.name === profile.name))];
  const found = all.find((profile) => profile.name === name);
  if (found) return ok(found);
  const names = all.map((profile) => profile.name).join(', ');
  return fail('unknown-board', `There is no board named \`${name}\`.`, `Choose one of: ${names}.`);
}

/** A profile from JSON text. `where` names the file in messages. */
export function parseProfile(text: string, where: string): Result<BoardProfile> {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    const [reason = ''] = (error as Error).message.split('\n');
    const remedy = 'JSON has no comments and no comma behind the last field; names stand in double quotes.';
    return fail('bad-board-profile', `${where} is not JSON: ${reason}${placeIn(text, reason)}.`, remedy);
  }
  const found = [...violations(profileSchema as Schema, data), ...(isRecord(data) ? contradictions(data) : [])];
  if (found.length > 0) {
    const more = found.length > 3 ? ` (and ${found.length - 3} more)` : '';
    const message = `${where} is not a valid board profile: ${found.slice(0, 3).join('; ')}${more}.`;
    return fail('bad-board-profile', message, 'Compare it with the profiles that ship with the project.');
  }
  return ok(data as unknown as BoardProfile);
}

/** Line and column of the position that a message of the JSON parser names. */
function placeIn(text: string, message: string): string {
  const position = /position (\d+)/.exec(message)?.[1];
  if (position === undefined) return '';
  const { line, character } = new LineIndex(text).position(Number(position));
  return ` (line ${line + 1}, column ${character + 1})`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a schema cannot say: regions that a program needs, and regions that overlap. */
function contradictions(data: Record<string, unknown>): string[] {
  const found: string[] = [];
  const { target, stackBytes } = data;
  const known = typeof target === 'string' ? targetNamed(target) : undefined;
  if (known?.ok === false) found.push(`\`target\`: ${known.error.message} ${known.error.remedy ?? ''}`);
  // What is no list is said by the schema.
  if (!Array.isArray(data['memory'])) return found;
  const memory = data['memory'] as BoardProfile['memory'];
  const transport = isRecord(data['transport']) ? data['transport']['kind'] : undefined;
  const ram = memory.filter((region) => region.kind === 'ram');
  if (transport !== 'process' && ram.length === 0) found.push('`memory` has no region of kind `ram`');
  const most = Math.max(...ram.map((region) => region.bytes));
  if (typeof stackBytes === 'number' && ram.length > 0 && stackBytes >= most)
    found.push(
      `\`stackBytes\` must leave room in a region of RAM, of which the largest has ${most}, found ${stackBytes}`,
    );
  const sorted = [...memory].sort((a, b) => a.start - b.start);
  for (const [index, region] of sorted.entries()) {
    const next = sorted[index + 1];
    if (region.timing && region.kind !== 'flash')
      found.push(`\`memory\`: ${region.name} is no flash and has \`timing\``);
    for (const cache of [region.timing?.codeCache, region.timing?.dataCache])
      if (cache && region.timing && cache.lineBytes < region.timing.readBytes)
        found.push(`\`memory\`: ${region.name} has a cache whose lines are shorter than a read`);
    if (next && region.start + region.bytes > next.start) {
      found.push(`\`memory\`: ${region.name} reaches into ${next.name}`);
    }
  }
  return found;
}
