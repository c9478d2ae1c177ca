/** A folder that builds with a C compiler alone: example, Makefile, CMake file and notes around the emitted sources. */
import { cType } from './helpers.ts';
import type { EmittedFile, EmittedModule, ModuleTensor } from './module.ts';
import { commentText } from './names.ts';
import type { DType } from '../tensor/dtype.ts';

export interface ProjectSpec {
  readonly module: EmittedModule;
  readonly inputs: readonly ModuleTensor[];
  readonly outputs: readonly ModuleTensor[];
  /** The processor's flags for a cross compiler, as an example in the notes: `-mcpu=cortex-m4 -mthumb`. */
  readonly processorFlags: readonly string[];
  /** Its command: `arm-none-eabi-gcc`. */
  readonly compiler: string;
  /** Flags for all sources, replaced by the user's `CFLAGS`: `-O3`. */
  readonly optimise: string;
}

/** What every source needs beside the user's flags: C99, and floats as written. */
const languageFlags = ['-std=c99', '-ffp-contract=off', '-fno-math-errno'];

/** Files to lie beside the sources. Their text depends on the program alone. */
export function projectFiles(spec: ProjectSpec): readonly EmittedFile[] {
  return [
    { name: 'example_main.c', text: exampleText(spec) },
    { name: 'Makefile', text: makefileText(spec) },
    { name: 'CMakeLists.txt', text: cmakeText(spec) },
    { name: 'README.txt', text: readmeText(spec) },
  ];
}

/** Text as the inside of a C string literal. */
function cString(text: string): string {
  return commentText(text).replace(/["\\?]/g, (c) => `\\${c}`);
}

/** How an element is printed. */
function format(dtype: DType): { readonly text: string; readonly cast: string } {
  const c = cType(dtype);
  if (c === 'float') return { text: '"%.9g"', cast: '(double)' };
  if (c === 'double') return { text: '"%.17g"', cast: '' };
  if (dtype === 'int64') return { text: '"%" PRId64', cast: '' };
  if (dtype === 'uint64') return { text: '"%" PRIu64', cast: '' };
  return c.startsWith('uint') ? { text: '"%lu"', cast: '(unsigned long)' } : { text: '"%ld"', cast: '(long)' };
}

function exampleText({ module, inputs, outputs }: ProjectSpec): string {
  const { stem } = module;
  const upper = stem.toUpperCase();
  const printers = [...new Set(outputs.map((t) => cType(t.dtype)))].map((type) => {
    const { text, cast } = format(outputs.find((t) => cType(t.dtype) === type)?.dtype ?? 'int32');
    return [
      `static void print_${type}(const char *name, const ${type} *values, size_t count)`,
      '{',
      '  size_t i;',
      '  printf("%s:", name);',
      '  for (i = 0; i < count; i++) {',
      `    printf(" " ${text}, ${cast}values[i]);`,
      '  }',
      '  printf("\\n");',
      '}',
    ].join('\n');
  });
  const body = [
    ...inputs.flatMap((t, i) => [
      `  /* ${commentText(t.name)}: ${t.dtype} (${t.shape.join(', ')}) */`,
      `  memset(${stem}_input_${i}, 0, ${upper}_INPUT_${i}_BYTES);`,
    ]),
    `  ${stem}_run();`,
    ...outputs.map((t, i) => {
      const type = cType(t.dtype);
      return `  print_${type}("${cString(t.name)}", ${stem}_output_${i}, ${upper}_OUTPUT_${i}_BYTES / sizeof(${type}));`;
    }),
    '  return 0;',
  ];
  const headers = ['inttypes.h', 'stddef.h', 'stdio.h', 'string.h'].map((h) => `#include <${h}>`);
  return `${[
    `/* Runs ${stem} once on inputs of zeros and prints what comes out. */`,
    [...headers, '', `#include "${stem}.h"`].join('\n'),
    ...printers,
    ['int main(void)', '{', ...body, '}'].join('\n'),
  ].join('\n\n')}\n`;
}

function sourcesOf(module: EmittedModule): readonly EmittedFile[] {
  return module.files.filter((f) => f.name.endsWith('.c'));
}

function makefileText({ module, optimise, compiler, processorFlags }: ProjectSpec): string {
  const { stem } = module;
  const sources = sourcesOf(module);
  const objects = sources.map((f) => f.name.replace(/\.c$/, '.o'));
  const own = sources
    .filter((f) => (f.flags?.length ?? 0) > 0)
    .map(
      (f) =>
        `${f.name.replace(/\.c$/, '.o')}: FILE_FLAGS := $(foreach f,${f.flags?.join(' ') ?? ''},$(call supported,$(f)))`,
    );
  const cross =
    [compiler, ...processorFlags].length > 1
      ? `\`make CC=${compiler} CFLAGS="${optimise} ${processorFlags.join(' ')}"\``
      : '`make CC=compiler`';
  return `# \`make\` builds lib${stem}.a and, on this machine, builds and runs the example.
# ${cross} builds the library
# and the example's object for a board; link them into your firmware.
CFLAGS ?= ${optimise}
LANGUAGE := ${languageFlags.join(' ')}
ifeq ($(origin AR),default)
AR := $(if $(filter %gcc,$(CC)),$(CC:gcc=ar),ar)
endif

# Flags that the kernels were scheduled for; a compiler that does not know one does without it.
supported = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo $(1))
bare := $(if $(findstring -none-,$(shell $(CC) -dumpmachine))$(findstring -elf,$(shell $(CC) -dumpmachine)),yes)

OBJECTS := ${objects.join(' ')}

.PHONY: all run clean
ifeq ($(bare),yes)
all: lib${stem}.a example_main.o
else
all: run
endif

run: example
\t./example

example: example_main.o lib${stem}.a
\t$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lm

lib${stem}.a: $(OBJECTS)
\trm -f $@
\t$(AR) rcs $@ $^

${own.join('\n')}${own.length > 0 ? '\n' : ''}
%.o: %.c ${stem}.h
\t$(CC) $(CPPFLAGS) $(CFLAGS) $(LANGUAGE) $(FILE_FLAGS) -c -o $@ $<

clean:
\trm -f $(OBJECTS) example_main.o lib${stem}.a example
`;
}

function cmakeText({ module, optimise }: ProjectSpec): string {
  const { stem } = module;
  const sources = sourcesOf(module);
  const own = sources.flatMap((f) => (f.flags ?? []).map((flag) => `${stem}_flag(${f.name} ${flag})`));
  return `# The library ${stem}; on a hosted system also the example, which \`ctest\` runs.
cmake_minimum_required(VERSION 3.13)
project(${stem} C)
include(CheckCCompilerFlag)

add_library(${stem} STATIC ${sources.map((f) => f.name).join(' ')})
target_include_directories(${stem} PUBLIC \${CMAKE_CURRENT_SOURCE_DIR})
target_compile_options(${stem} PRIVATE ${optimise} ${languageFlags.join(' ')})

# Flags that the kernels were scheduled for; a compiler that does not know one does without it.
function(${stem}_flag file flag)
  string(MAKE_C_IDENTIFIER "HAS\${flag}" known)
  set(CMAKE_REQUIRED_FLAGS -Werror)
  check_c_compiler_flag(\${flag} \${known})
  if(\${known})
    set_property(SOURCE \${file} APPEND PROPERTY COMPILE_OPTIONS \${flag})
  endif()
endfunction()
${own.join('\n')}

if(NOT CMAKE_SYSTEM_NAME STREQUAL "Generic")
  target_link_libraries(${stem} PUBLIC m)
  add_executable(example example_main.c)
  target_link_libraries(example PRIVATE ${stem})
  enable_testing()
  add_test(NAME example COMMAND example)
endif()
`;
}

function readmeText({ module, inputs, outputs, compiler, processorFlags, optimise }: ProjectSpec): string {
  const { stem } = module;
  const upper = stem.toUpperCase();
  const rows = (kind: 'input' | 'output', list: readonly ModuleTensor[]): string[] =>
    list.map((t, i) => `  ${stem}_${kind}_${i}   ${commentText(t.name)}: ${t.dtype} (${t.shape.join(', ')})`);
  const wrap = (t: ModuleTensor | undefined, kind: string): string =>
    t === undefined
      ? ''
      : `  ${kind === 'input' ? 'memcpy(' : 'use('}${stem}_${kind}_0${kind === 'input' ? `, data, ${upper}_INPUT_0_BYTES)` : ')'};\n`;
  return `${stem}: a compiled program in C
${'='.repeat(stem.length + 25)}

It needs a C99 compiler and nothing else: no heap, no operating system, no library but libm for some operators.

  make                     builds lib${stem}.a, builds the example and runs it (inputs of zeros)
  make CC=${compiler} CFLAGS="${[optimise, ...processorFlags].join(' ')}"
                           builds lib${stem}.a for a board
  cmake -B build && cmake --build build && ctest --test-dir build

How to call it (${stem}.h)

  #include "${stem}.h"

${wrap(inputs[0], 'input')}  ${stem}_run();
${wrap(outputs[0], 'output')}
The inputs and outputs lie in one static arena of ${upper}_ARENA_BYTES bytes. The memory of the inputs may be used for
other tensors during a run, so write all of them before each run. With buffers of your own:

  const void *inputs[${upper}_INPUTS] = {/* one each */};
  void *outputs[${upper}_OUTPUTS] = {/* one each */};
  ${stem}_invoke(inputs, outputs);

Not re-entrant: one run at a time.

Inputs
${rows('input', inputs).join('\n') || '  none'}
Outputs
${rows('output', outputs).join('\n') || '  none'}

Files
${module.files.map((f) => `  ${f.name}`).join('\n')}
  example_main.c, Makefile, CMakeLists.txt
  harness/   start-up code and linker script of the image that was checked on the board; not needed
`;
}
