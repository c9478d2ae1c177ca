/** What differs between the servers that speak the GDB remote protocol, as data. */

export interface StubDialect {
  /** `--server` name in profiles and messages. */
  readonly name: string;
  readonly label: string;
  /** Port it listens on unless told otherwise. */
  readonly port: number;
  /** Monitor commands that halt the core in its reset state; empty: only the system reset register can be used. */
  readonly reset: readonly string[];
  /** Monitor commands to send right after connecting (scan and attach, enable semihosting off …). */
  readonly attach: readonly string[];
  /** Commands sent as plain packets after `attach`, e.g. Black Magic's `vAttach;1`. */
  readonly attachPackets: readonly string[];
  /** Whether flash is written by `vFlashErase`, `vFlashWrite`, `vFlashDone`, or takes plain memory writes. */
  readonly flash: 'vflash' | 'memory';
  /** How to start it, shown when no server answers. */
  readonly start: string;
}

export const stubDialects: readonly StubDialect[] = [
  {
    name: 'qemu',
    label: 'QEMU',
    port: 1234,
    reset: ['system_reset'],
    attach: [],
    attachPackets: [],
    flash: 'memory',
    start: 'qemu-system-arm … -gdb tcp:127.0.0.1:1234 -S',
  },
  {
    name: 'openocd',
    label: 'OpenOCD',
    port: 3333,
    reset: ['reset halt'],
    attach: ['arm semihosting disable'],
    attachPackets: [],
    flash: 'vflash',
    start: 'openocd -f interface/stlink.cfg -f target/<chip>.cfg',
  },
  {
    name: 'pyocd',
    label: 'pyOCD',
    port: 3333,
    reset: ['reset halt'],
    attach: [],
    attachPackets: [],
    flash: 'vflash',
    start: 'pyocd gdbserver --target <chip>',
  },
  {
    name: 'jlink',
    label: 'J-Link GDB Server',
    port: 2331,
    reset: ['reset', 'halt'],
    attach: ['semihosting disable'],
    attachPackets: [],
    flash: 'vflash',
    start: 'JLinkGDBServerCLExe -device <chip> -if SWD',
  },
  {
    name: 'probe-rs',
    label: 'probe-rs',
    port: 1337,
    reset: ['reset halt'],
    attach: [],
    attachPackets: [],
    flash: 'vflash',
    start: 'probe-rs gdb --chip <chip>',
  },
  {
    name: 'st-util',
    label: 'st-util',
    port: 4242,
    reset: ['reset'],
    attach: [],
    attachPackets: [],
    flash: 'vflash',
    start: 'st-util -p 4242',
  },
  {
    name: 'black-magic',
    label: 'Black Magic Probe',
    port: 2345,
    reset: [],
    attach: ['swdp_scan'],
    attachPackets: ['vAttach;1'],
    flash: 'vflash',
    start: 'socat TCP-LISTEN:2345,reuseaddr FILE:/dev/ttyBmpGdb,raw',
  },
];

/** The dialect of a name; undefined when there is none of it. */
export function stubDialect(name: string): StubDialect | undefined {
  return stubDialects.find((dialect) => dialect.name === name);
}
