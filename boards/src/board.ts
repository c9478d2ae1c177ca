/**
 * A board as the tuner and deployer see it. One interface for emulators, debug probes and the native host; every call
 * has a deadline, and a hung board ends in a failure value and a reset.
 */
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import type { Result } from '../../compiler/src/base/result.ts';
import type { Provenance } from '../../compiler/src/records/objective.ts';

/** A cache of a flash interface: fully associative, the line that was used least recently is replaced. */
export interface FlashCache {
  readonly lines: number;
  readonly lineBytes: number;
}

/** How long a processor waits for its flash, at the clock that is meant; without it there are no wait states. */
export interface FlashTiming {
  /** Cycles beyond the first that a read of the flash takes. */
  readonly waitStates: number;
  /** Bytes that one read brings. */
  readonly readBytes: number;
  /** The next read of code is made ahead. */
  readonly prefetch?: boolean;
  readonly codeCache?: FlashCache;
  readonly dataCache?: FlashCache;
}

export interface MemoryRegion {
  readonly name: string;
  readonly kind: 'flash' | 'ram';
  readonly start: number;
  readonly bytes: number;
  /** Flash only: size of the largest sector that a program touches. */
  readonly eraseBytes?: number;
  /** Flash only: what modelled cycles wait for. */
  readonly timing?: FlashTiming;
}

export type { Provenance };

/** Board profile data (`boards/profiles/*.json`, validated against `profile.schema.json`). */
export interface BoardProfile {
  readonly name: string;
  readonly description: string;
  /** Compiler target name (`compiler/src/targets`). */
  readonly target: string;
  readonly compiler: { readonly command: string; readonly flags: readonly string[]; readonly package?: string };
  readonly memory: readonly MemoryRegion[];
  readonly stackBytes: number;
  readonly timer: {
    readonly kind: 'cmsdk-timer' | 'systick' | 'dwt' | 'minstret' | 'host-clock';
    readonly address?: number;
    readonly hz?: number;
    /** What one tick of a timed region means, e.g. `instructions` with `multiply` 40 and `divide` 64. */
    readonly unit: 'instructions' | 'cycles' | 'nanoseconds';
    readonly multiply?: number;
    readonly divide?: number;
  };
  readonly transport:
    | { readonly kind: 'qemu'; readonly command: string; readonly args: readonly string[]; readonly package?: string }
    | {
        readonly kind: 'gdb';
        readonly host: string;
        readonly port: number;
        /** Debug server's dialect (`rsp/stubs.ts`); OpenOCD's when absent. */
        readonly dialect?: string;
        readonly server?: { readonly command: string; readonly args: readonly string[] };
      }
    | { readonly kind: 'process' };
  readonly provenance: Provenance;
}

/** A linked program: loadable segments and symbol addresses. */
export interface Image {
  readonly segments: readonly { readonly address: number; readonly bytes: Uint8Array }[];
  readonly entry: number;
  readonly symbols: ReadonlyMap<string, { readonly address: number; readonly bytes: number }>;
  /** The ELF (or host executable) on disk. */
  readonly path: string;
}

export type StopReason =
  { readonly kind: 'breakpoint'; readonly address: number } | { readonly kind: 'fault'; readonly detail: string };

/** A connected board. Failures carry codes such as `board-lost`, `board-timeout`, `board-fault`, `does-not-fit`. */
export interface Board {
  readonly profile: BoardProfile;
  load(image: Image, token?: CancellationToken): Promise<Result<void>>;
  write(address: number, bytes: Uint8Array): Promise<Result<void>>;
  read(address: number, length: number): Promise<Result<Uint8Array>>;
  /**
   * Starts at the image's entry and waits for the exit breakpoint. A program that faults is a value; one that does not
   * end within `limitMs` is halted and fails with `board-timeout`, after which the board can be loaded and run again.
   */
  run(limitMs: number, token?: CancellationToken): Promise<Result<StopReason>>;
  reset(): Promise<Result<void>>;
  close(): Promise<void>;
}
