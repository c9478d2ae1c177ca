/** Board profiles for the verbs: the built-in ones and those of the folders that the machine names. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { builtinProfiles, findProfile, parseProfile, type BoardProfile } from '../../boards/src/index.ts';
import { ok, type Failure, type Result } from '../../compiler/src/base/result.ts';
import { fileFailure, readText } from './io.ts';

/** Reads one profile file. */
export function readProfile(file: string): Result<BoardProfile> {
  const text = readText(file);
  return text.ok ? parseProfile(text.value, file) : text;
}

export interface KnownProfiles {
  readonly profiles: readonly BoardProfile[];
  /** Files of the named folders that are no valid profiles. */
  readonly problems: readonly Failure[];
}

/** All profiles; `RELAY_BOARDS` names folders, separated as in PATH. A profile there hides a built-in of its name. */
export function knownProfiles(folders = process.env.RELAY_BOARDS ?? ''): KnownProfiles {
  const own: BoardProfile[] = [];
  const problems: Failure[] = [];
  for (const folder of folders.split(path.delimiter).filter((f) => f !== '')) {
    let names: string[];
    try {
      names = readdirSync(folder)
        .filter((name) => name.endsWith('.json'))
        .sort();
    } catch (error) {
      problems.push(fileFailure(folder, error, 'read').error);
      continue;
    }
    for (const name of names) {
      const profile = readProfile(path.join(folder, name));
      if (profile.ok) own.push(profile.value);
      else problems.push(profile.error);
    }
  }
  const hidden = new Set(own.map((p) => p.name));
  return { profiles: [...own, ...builtinProfiles.filter((p) => !hidden.has(p.name))], problems };
}

/** The profile that `--board` names: a known name, or a path to a profile file. */
export function chooseProfile(name: string | undefined): Result<BoardProfile> {
  const wanted = name ?? 'mps2-an386';
  if (wanted.endsWith('.json')) return readProfile(wanted);
  const { profiles } = knownProfiles();
  const own = profiles.find((p) => p.name === wanted);
  return own ? ok(own) : findProfile(wanted, profiles);
}
