import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import {
  decodePayload,
  escapeBinary,
  framePacket,
  fromHex,
  payloadText,
  RspDecoder,
  textPayload,
  toHex,
  type RspEvent,
} from '../../boards/src/rsp/codec.ts';
import { GdbClient } from '../../boards/src/rsp/client.ts';
import { RspConnection } from '../../boards/src/rsp/connection.ts';
import { stubDialect, stubDialects } from '../../boards/src/rsp/stubs.ts';
import { FakeStub, type FakeOptions } from './fake-stub.ts';

const bytes = fc.uint8Array({ maxLength: 80 });

describe('GDB protocol packets', () => {
  it('carry any bytes there and back', () => {
    fc.assert(
      fc.property(bytes, (payload) => {
        const events = new RspDecoder().push(framePacket(escapeBinary(payload)));
        assert.deepEqual(events, [{ kind: 'packet', payload: Uint8Array.from(payload) }]);
      }),
    );
  });

  it('mean the same wherever the stream is cut', () => {
    const stream = Buffer.concat([
      Buffer.from('+'),
      framePacket(textPayload('T05thread:01;')),
      Buffer.from('junk-'),
      framePacket(escapeBinary(Uint8Array.of(0x23, 0x24, 0x7d, 0x2a, 0, 255))),
      Buffer.from('%Stop:T05#00'),
      Buffer.from('$OK#9b'),
      framePacket(textPayload('0* ')),
      framePacket(new Uint8Array()),
    ]);
    const whole = new RspDecoder().push(stream);
    assert.deepEqual(
      whole.map((event) => event.kind),
      ['ack', 'packet', 'nack', 'packet', 'corrupt', 'corrupt', 'packet', 'packet'],
    );
    for (let cut = 0; cut <= stream.length; cut++) {
      const decoder = new RspDecoder();
      assert.deepEqual([...decoder.push(stream.subarray(0, cut)), ...decoder.push(stream.subarray(cut))], whole);
    }
    const decoder = new RspDecoder();
    const single: RspEvent[] = [...stream].flatMap((byte) => decoder.push(Uint8Array.of(byte)));
    assert.deepEqual(single, whole);
  });

  it('expand run lengths and refuse cut escapes', () => {
    assert.equal(payloadText(decodePayload(textPayload('0* 1')) ?? new Uint8Array()), '00001');
    assert.equal(decodePayload(textPayload('*!')), undefined);
    assert.equal(decodePayload(Uint8Array.of(0x41, 0x7d)), undefined);
  });

  it('never mistake a damaged packet for a whole one', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 30 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (payload, at, flip) => {
          const packet = framePacket(escapeBinary(payload));
          const index = 1 + (at % (packet.length - 4));
          packet[index] = (packet[index] ?? 0) ^ flip;
          const events = new RspDecoder().push(packet);
          assert.ok(!events.some((event) => event.kind === 'packet'), 'accepted');
        },
      ),
    );
  });

  it('hex is exact', () => {
    fc.assert(fc.property(bytes, (b) => assert.deepEqual(fromHex(toHex(b)), Uint8Array.from(b))));
    assert.equal(fromHex('0'), undefined);
    assert.equal(fromHex('0g'), undefined);
  });
});

async function withStub(
  options: FakeOptions,
  check: (client: GdbClient, stub: FakeStub) => Promise<void>,
  name = 'openocd',
): Promise<void> {
  const stub = await new FakeStub(options).listen();
  const socket = connect(stub.port, '127.0.0.1').setNoDelay(true);
  const connection = new RspConnection(socket);
  const dialect = stubDialect(name);
  assert.ok(dialect);
  try {
    await check(new GdbClient(connection, dialect), stub);
  } finally {
    connection.close();
    await stub.close();
  }
}

const value = <T>(result: { ok: true; value: T } | { ok: false; error: { message: string } }): T => {
  if (!result.ok) assert.fail(result.error.message);
  return result.value;
};
const code = (result: { ok: boolean; error?: { code: string } }): string => result.error?.code ?? 'ok';

describe('a session with a debug server', () => {
  const data = Uint8Array.from({ length: 700 }, (_, i) => (i * 37) & 0xff);

  const variants: readonly (readonly [string, FakeOptions])[] = [
    ['binary writes', {}],
    ['hex writes only', { unknown: ['X'] }],
    ['bytes one by one', { trickle: true }],
    ['acknowledgements kept on', { features: 'PacketSize=80' }],
    ['two damaged replies', { features: 'PacketSize=100', damage: 2 }],
    ['no single registers', { unknown: ['p', 'P'] }],
    ['no software breakpoints', { unknown: ['Z0'] }],
  ];
  for (const [title, options] of variants) {
    it(`writes, reads, sets registers and runs: ${title}`, () =>
      withStub({ program: () => 0x1000, ...options }, async (client, stub) => {
        value(await client.start());
        value(await client.write(0x20000000, data));
        assert.deepEqual(value(await client.read(0x20000000, data.length)), data);
        value(await client.writeRegister(15, 0x20000101));
        assert.equal(value(await client.readRegister(15)), 0x20000101);
        value(await client.setBreakpoint(0x1000));
        assert.equal(stub.breakpoints.get(0x1000), options.unknown?.includes('Z0') ? 'Z1' : 'Z0');
        assert.deepEqual(value(await client.run(1000)), { signal: 5 });
        assert.equal(value(await client.readRegister(15)), 0x1000);
        value(await client.clearBreakpoints());
        assert.equal(stub.breakpoints.size, 0);
      }));
  }

  it('halts a program that does not end', () =>
    withStub({}, async (client) => {
      value(await client.start());
      assert.deepEqual(value(await client.run(30)), { signal: 2, interrupted: 'limit' });
      assert.equal(value(await client.read(0, 4)).length, 4);
    }));

  it('halts a program when the user cancels', () =>
    withStub({}, async (client) => {
      value(await client.start());
      const token = { isCancellationRequested: false };
      setTimeout(() => (token.isCancellationRequested = true), 20);
      assert.equal(value(await client.run(60_000, token)).interrupted, 'cancelled');
    }));

  it('says that the board is lost when the server goes away', () =>
    withStub({ dropAt: 'm' }, async (client) => {
      value(await client.start());
      assert.equal(code(await client.read(0, 4)), 'board-lost');
      assert.equal(code(await client.read(0, 4)), 'board-lost');
    }));

  it('gives up on a server that stays silent', () =>
    withStub({ silentAt: 'm' }, async (client, stub) => {
      const socket = connect(stub.port, '127.0.0.1');
      const connection = new RspConnection(socket);
      const reply = await connection.request('m0,4', { limitMs: 30 });
      assert.equal(code(reply), 'board-timeout');
      assert.equal(code(await connection.request('m0,4', { limitMs: 30 })), 'board-timeout');
      void client;
    }));

  it('resets through each server in its own words', async () => {
    for (const dialect of stubDialects) {
      await withStub(
        {},
        async (client, stub) => {
          value(await client.start());
          value(await client.reset());
          const commands = stub.log
            .filter((line) => line.startsWith('qRcmd,'))
            .map((line) => payloadText(fromHex(line.slice(6)) ?? new Uint8Array()));
          assert.deepEqual(commands, [...dialect.attach, ...dialect.reset]);
          if (dialect.reset.length === 0) assert.equal(stub.word(0xe000ed0c), 0x05fa0004);
        },
        dialect.name,
      ).catch((error: unknown) => {
        throw new Error(`${dialect.name}: ${String(error)}`);
      });
    }
  });

  it('programs flash in erased blocks', () =>
    withStub({ unknown: [] }, async (client, stub) => {
      value(await client.start());
      value(await client.writeFlash([{ address: 0x08000010, bytes: data }], 1024));
      assert.equal(
        stub.log.find((line) => line.startsWith('vFlashErase')),
        'vFlashErase:8000000,400',
      );
      assert.deepEqual(stub.bytes(0x08000010, data.length), data);
    }));
});
