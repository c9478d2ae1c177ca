/** Linker scripts made from a profile's memory regions. */
import type { BoardMemory } from '../../compiler/src/memory/regions.ts';
import type { BoardProfile, MemoryRegion } from './board.ts';

/** `flash`: code and constants in flash, data in RAM. `ram`: everything in RAM, as candidates are tried. */
export type Placement = 'flash' | 'ram';

/** The region that holds code and constants under a placement; undefined when the profile has none. */
export function codeRegion(profile: BoardProfile, placement: Placement): MemoryRegion | undefined {
  return profile.memory.find((region) => region.kind === placement);
}

/** The region of data, arena and stack. */
function dataRegion(profile: BoardProfile): MemoryRegion | undefined {
  return profile.memory.find((region) => region.kind === 'ram');
}

/**
 * Script text. `slack` enlarges every region, to learn by how much a program does not fit. Undefined when the profile
 * lacks a region.
 */
export function linkerScript(profile: BoardProfile, placement: Placement, slack = 0): string | undefined {
  const code = codeRegion(profile, placement);
  const data = dataRegion(profile);
  if (!code || !data) return undefined;
  const regions = profile.memory.map((region) => {
    const access = region.kind === 'flash' ? 'rx' : 'rwx';
    return `  ${region.name} (${access}) : ORIGIN = ${hex(region.start)}, LENGTH = ${region.bytes + slack}`;
  });
  const stack = `
  .stack (NOLOAD) : {
    . = ALIGN(8);
    __stack_bottom = .;
    . = . + ${Math.ceil(profile.stackBytes / 8) * 8};
    __stack_top = .;
  } > ${data.name}
`;
  return `/* ${profile.name}: ${placement === 'flash' ? 'code and constants in flash' : 'everything in RAM'}. Made from the board profile. */
ENTRY(Reset_Handler)
MEMORY {
${regions.join('\n')}
}
__ram_end = ORIGIN(${data.name}) + LENGTH(${data.name});
SECTIONS {
${code === data ? stack : ''}
  .vectors : { . = ALIGN(512); KEEP(*(.vectors)) } > ${code.name}
  .text : { *(.text .text.*) *(.glue_7 .glue_7t .init .fini) . = ALIGN(8); } > ${code.name}
  .rodata : { *(.rodata .rodata.* .srodata .srodata.*) . = ALIGN(8); } > ${code.name}
  .ARM.extab : { *(.ARM.extab*) } > ${code.name}
  .ARM.exidx : { *(.ARM.exidx*) . = ALIGN(8); } > ${code.name}
${code === data ? '' : stack}
  .data : {
    . = ALIGN(8);
    __data_start = .;
    *(.data .data.* .sdata .sdata.*)
    . = ALIGN(8);
    __tls_base = .;
    *(.tdata .tdata.* .tbss .tbss.*)
    . = ALIGN(8);
    __data_end = .;
  } > ${data.name}${code === data ? '' : ` AT > ${code.name}`}
  __data_load = LOADADDR(.data);
${furtherArenas(profile)}  .bss (NOLOAD) : {
    . = ALIGN(8);
    __bss_start = .;
    *(.bss .bss.* .sbss .sbss.* COMMON)
    . = ALIGN(8);
    __bss_end = .;
  } > ${data.name}
  /DISCARD/ : { *(.comment .ARM.attributes.*) }
}
`;
}

/** RAM regions beside that of data and stack: each holds a piece of an arena, which is not cleared. */
function furtherRegions(profile: BoardProfile): readonly MemoryRegion[] {
  return profile.memory.filter((region) => region.kind === 'ram').slice(1);
}

function furtherArenas(profile: BoardProfile): string {
  return furtherRegions(profile)
    .map(({ name }, i) => `  .arena_${i + 2} (NOLOAD) : { . = ALIGN(8); *(.bss.arena_${i + 2}) } > ${name}\n`)
    .join('');
}

/** The RAM of a board, as far as it limits an arena. */
export function memoryOf({ memory, stackBytes, transport }: BoardProfile): BoardMemory {
  const ram = memory.filter(({ kind }) => kind === 'ram').map(({ bytes }) => bytes);
  return { ram, stackBytes, unlimited: transport.kind === 'process' };
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
