import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import profileSchema from '../../boards/profiles/profile.schema.json' with { type: 'json' };
import { linkerScript } from '../../boards/src/linker.ts';
import { builtinProfiles, findProfile, parseProfile } from '../../boards/src/profile.ts';
import { violations, type Schema } from '../../boards/src/schema.ts';
import { stubDialects } from '../../boards/src/rsp/stubs.ts';

const base = JSON.stringify(builtinProfiles[0]);
const changed = (edit: (profile: Record<string, unknown>) => void): string => {
  const profile = JSON.parse(base) as Record<string, unknown>;
  edit(profile);
  return JSON.stringify(profile);
};
const messageOf = (text: string): string => {
  const result = parseProfile(text, 'my-board.json');
  return result.ok ? 'accepted' : result.error.message;
};

describe('board profiles', () => {
  for (const profile of builtinProfiles) {
    it(`${profile.name} is valid and links`, () => {
      assert.deepEqual(violations(profileSchema as Schema, profile), []);
      assert.equal(messageOf(JSON.stringify(profile)), 'accepted');
      if (profile.transport.kind === 'process') return;
      assert.ok(linkerScript(profile, 'flash')?.includes('AT > FLASH'));
      assert.ok(!linkerScript(profile, 'ram')?.includes('> FLASH'));
    });
  }

  it('have names of their own, and an unknown name lists them', () => {
    const names = builtinProfiles.map((profile) => profile.name);
    assert.equal(new Set(names).size, names.length);
    const missing = findProfile('arduino');
    assert.ok(!missing.ok && names.every((name) => missing.error.remedy?.includes(name)));
  });

  it('may stand in for a built-in one, which is then listed once', () => {
    const missing = findProfile('arduino', builtinProfiles);
    assert.ok(!missing.ok);
    const names = (missing.error.remedy ?? '').replace(/^.*?: |\.$/g, '').split(', ');
    assert.equal(new Set(names).size, names.length);
  });

  it('without memory is told that, and nothing that only follows', () => {
    assert.equal(messageOf(changed((p) => delete p['memory'])).split(';').length, 1);
  });

  it('may name every debug server that is known', () => {
    const text = JSON.stringify(profileSchema.properties.transport);
    for (const dialect of stubDialects) assert.ok(text.includes(`"${dialect.name}"`), dialect.name);
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['no JSON', '{', /my-board\.json is not JSON/],
    ['a list', '[]', /the file must be an object, found \[\]/],
    ['a missing field', changed((p) => delete p['timer']), /lacks `timer`/],
    ['an unknown field', changed((p) => (p['speed'] = 3)), /unknown field `speed`/],
    ['a misspelt field', changed((p) => (p['trget'] = 3)), /unknown field `trget` \(did you mean `target`\?\)/],
    ['an unknown processor', changed((p) => (p['target'] = 'cortex-m99')), /no compiler target named 'cortex-m99'/],
    ['a stack larger than RAM', changed((p) => (p['stackBytes'] = 1e9)), /`stackBytes` must leave room/],
    ['a comma too much', '{\n  "name": "x",\n}', /\(line 3, column 1\)/],
    ['a wrong type', changed((p) => (p['stackBytes'] = '8k')), /`stackBytes` must be an integer, found "8k"/],
    [
      'a bad transport',
      changed((p) => (p['transport'] = { kind: 'usb' })),
      /`transport` must have a `kind` out of .*"usb"/,
    ],
    [
      'a bad port',
      changed((p) => (p['transport'] = { kind: 'gdb', host: 'x', port: 0 })),
      /`transport\.port` must be at least 1/,
    ],
    ['a name for a shell', changed((p) => (p['name'] = 'a; rm')), /`name` must match/],
    ['no RAM', changed((p) => (p['memory'] = [])), /no region of kind `ram`/],
    [
      'overlapping memory',
      changed(
        (p) =>
          (p['memory'] = [
            { name: 'A', kind: 'flash', start: 0, bytes: 20 },
            { name: 'B', kind: 'ram', start: 10, bytes: 20 },
          ]),
      ),
      /A reaches into B/,
    ],
    ['a prototype key', '{"__proto__": {"a": 1}}', /lacks `name`/],
  ];
  for (const [title, text, expected] of wrong) {
    it(`refuses ${title} and names the field`, () => assert.match(messageOf(text), expected));
  }
});
