import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { findCommand } from '../../boards/src/child.ts';

const root = path.resolve(import.meta.dirname, '../..');
const command = path.join(root, 'bin/relay');
const scratch = mkdtempSync(path.join(os.tmpdir(), 'relay-process-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const program = path.join(scratch, 'm.relay');
const header = '#[version = "0.0.5"]\n';
writeFileSync(program, `${header}def @main(%x: Tensor[(1, 8), int8]) {\n  nn.relu(%x)\n}\n`);

function relay(argv: readonly string[], env: NodeJS.ProcessEnv = {}): { status: number | null; text: string } {
  const done = spawnSync(process.execPath, [command, ...argv], {
    cwd: scratch,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { status: done.status, text: done.stdout + done.stderr };
}

/** A convolution that takes the evaluator minutes. */
const slow = path.join(scratch, 'slow.relay');
const data = '%x: Tensor[(1, 64, 256, 256), float32], %w: Tensor[(256, 64, 7, 7), float32]';
writeFileSync(slow, `${header}def @main(${data}) { nn.conv2d(%x, %w, kernel_size=[7, 7], channels=256) }\n`);

describe('the relay process', function () {
  this.timeout(120_000);
  before(() => void relay(['--version']));

  it('ends at once on Ctrl-C in the middle of a long computation', async () => {
    const child = spawn(process.execPath, [command, 'run', slow, '--seed', '1'], { stdio: 'ignore' });
    const ended = new Promise<string>((resolve) => {
      child.on('exit', (code, signal) => {
        resolve(signal ?? `code ${code}`);
      });
    });
    await new Promise((done) => setTimeout(done, 2500));
    assert.equal(child.exitCode, null, 'it is still computing');
    child.kill('SIGINT');
    assert.equal(await ended, 'SIGINT');
  });

  for (const verb of ['deploy', 'tune'])
    it(`stops in order on Ctrl-C while the reference of ${verb} is computed: nothing is left behind`, async function () {
      if (findCommand('gcc') === undefined) return this.skip();
      const home = mkdtempSync(path.join(scratch, 'stopped-'));
      const temporary = mkdtempSync(path.join(scratch, 'tmp-'));
      const child = spawn(process.execPath, [command, verb, slow, '--board', 'host', '--json'], {
        cwd: home,
        env: { ...process.env, TMPDIR: temporary },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const ended = new Promise<number | null>((resolve) => {
        child.on('close', resolve);
      });
      let [out, err] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
      await new Promise<void>((started) => {
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          err += text;
          // The board is open then, and compiling is over soon.
          if (/Loading and running|untuned on host/.test(text)) setTimeout(started, 6000);
        });
      });
      assert.equal(child.exitCode, null, 'it is still computing');
      child.kill('SIGINT');
      assert.equal(await ended, 130);
      assert.match(err, /relay: cancelled\n$/);
      assert.equal((JSON.parse(out) as { error: { code: string } }).error.code, 'cancelled');
      assert.deepEqual(readdirSync(temporary), []);
      return undefined;
    });

  it('says in a line what is wrong with a full disk, without a trace', function () {
    if (!existsSync('/dev/full')) return this.skip();
    const done = spawnSync('sh', ['-c', '"$0" "$1" stages > /dev/full', process.execPath, command], {
      encoding: 'utf8',
    });
    assert.equal(done.status, 2);
    assert.match(done.stderr, /Cannot write standard output: the disk is full/);
    assert.doesNotMatch(done.stderr, /\n\s+at /);
    return undefined;
  });

  it('says in a line that there is no place for object files', function () {
    if (findCommand('gcc') === undefined) return this.skip();
    const { status, text } = relay(['build', program, '--board', 'host', '-o', 'o'], { TMPDIR: '/nonexistent' });
    assert.equal(status, 2);
    assert.match(text, /error\[cannot-write\].*\/nonexistent/);
    assert.match(text, /TMPDIR/);
    assert.doesNotMatch(text, /\n\s+at /);
    return undefined;
  });

  it('builds over an earlier build, but not over the files of others', function () {
    if (findCommand('gcc') === undefined) return this.skip();
    const folder = path.join(scratch, 'out');
    const build = (...more: string[]) => relay(['build', program, '--board', 'host', '-o', folder, ...more]);
    assert.equal(build('--name', 'first').status, 0);
    assert.equal(build().status, 0);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('first')),
      [],
      'what the earlier build wrote under another name is gone',
    );
    rmSync(path.join(folder, 'report.json'));
    writeFileSync(path.join(folder, 'Makefile'), 'mine');
    const refused = build();
    assert.equal(refused.status, 2);
    assert.match(refused.text, /error\[would-overwrite\]/);
    assert.equal(readFileSync(path.join(folder, 'Makefile'), 'utf8'), 'mine');
    assert.equal(build('--force').status, 0);
    assert.notEqual(readFileSync(path.join(folder, 'Makefile'), 'utf8'), 'mine');
    return undefined;
  });

  it('builds the same image with line tables each time, which name files as they are saved', function () {
    if (findCommand('arm-none-eabi-gcc') === undefined) return this.skip();
    const image = (folder: string): Buffer => {
      assert.equal(relay(['build', program, '--line-directives', '-o', folder]).status, 0);
      return readFileSync(path.join(scratch, folder, 'm.elf'));
    };
    const [one, two] = [image('line1'), image('line2')];
    assert.ok(one.equals(two));
    assert.ok(one.includes('m_kernels.c') && one.includes('m.relay'));
    assert.ok(!one.includes('relay-build-'));
    return undefined;
  });
});
