/** A program in C: kernels, the function that calls them in order on one static arena, and a header. */
import type { LoweredKernel } from '../loops/kernel.ts';
import { emitKernel, type KernelText } from './c.ts';
import { Helpers, prelude } from './helpers.ts';
import { finishLines, mapBody } from './lines.ts';
import type { SourceLine } from './lines.ts';
import { identifier, Names } from './names.ts';
import { headerText, programText, valuesSection, type CalledFunction } from './program-text.ts';
import { sharedSizes, skeletonOf } from './sizes.ts';
import type { SharedSizes } from './sizes.ts';
import type { EmittedFile, EmittedModule, KernelCall, ModuleSpec } from './spec.ts';
import { comment, wrapCode } from './text.ts';

export type { EmittedFile, EmittedModule, KernelCall, ModuleSpec, ModuleTensor, Place } from './spec.ts';

/** Kernels of a tuning batch: functions with external linkage and names of their own, in files by compiler flags. */
export interface EmittedKernels {
  readonly files: readonly EmittedFile[];
  /** In the order of the kernels. Parameters: inputs, outputs, scratch. */
  readonly functions: readonly {
    readonly name: string;
    /** A C declaration, without the semicolon. */
    readonly prototype: string;
    readonly constantBytes: number;
  }[];
}

/** Emits kernels that stand alone: each file includes its helpers. `stem` names the files. */
export function emitKernels(kernels: readonly LoweredKernel[], stem = 'kernels'): EmittedKernels {
  const names = new Names();
  const named = kernels.map((kernel) => ({ kernel, name: names.fresh(kernel.name, 'kernel'), comment: [] }));
  const { files, texts } = filesOf(named, identifier(stem, 'kernels'), '');
  return { files, functions: texts.map(({ name, prototype, constantBytes }) => ({ name, prototype, constantBytes })) };
}

interface NamedKernel {
  readonly kernel: LoweredKernel;
  readonly name: string;
  readonly comment: readonly string[];
  /** The constants are parameters, because other calls share the function. */
  readonly shared?: boolean;
  readonly sizes?: SharedSizes | undefined;
  readonly source?: SourceLine | undefined;
}

/** One file for each set of flags, in order of first use. */
function filesOf(
  kernels: readonly NamedKernel[],
  stem: string,
  header: string,
): { readonly files: EmittedFile[]; readonly texts: KernelText[] } {
  const groups = new Map<string, { flags: readonly string[]; helpers: Helpers; parts: string[]; values: string[] }>();
  const texts = kernels.map(({ kernel, name, comment: lines, shared, sizes, source }) => {
    const key = kernel.flags.join(' ');
    let group = groups.get(key);
    if (!group) groups.set(key, (group = { flags: kernel.flags, helpers: new Helpers(), parts: [], values: [] }));
    const own = emitKernel(kernel, group.helpers, {
      name,
      comment: lines,
      linkage: '',
      constantsAsParameters: shared === true,
      literally: sizes !== undefined,
    });
    const text = sizes === undefined ? own : withSizes(own, sizes);
    // A declaration first, so that strict compilers see the external function announced.
    const [announced, code] = [[`${text.prototype};`], text.text.split('\n')].map((lines) =>
      wrapCode(lines).join('\n'),
    );
    const body = source === undefined ? code : mapBody(source, code ?? '');
    group.parts.push([...text.constants.map((c) => c.declaration), announced, body].join('\n'));
    group.values.push(...text.constants.map((c) => c.definition));
    return text;
  });
  const files = [...groups.values()].map(({ flags, helpers, parts, values }, i): EmittedFile => {
    const name = `${stem}${i === 0 ? '' : `_${i + 1}`}.c`;
    const sections = [
      header,
      prelude,
      wrapCode(helpers.text().split('\n')).join('\n'),
      ...parts,
      ...valuesSection(values),
    ].filter((s) => s !== '');
    return { name, text: finishLines(name, `${sections.join('\n\n')}\n`), flags };
  });
  return { files, texts };
}

/** The function with its sizes as further parameters. */
function withSizes(text: KernelText, sizes: SharedSizes): KernelText {
  const parameters = sizes.names.map((name) => `, const int32_t ${name}`).join('');
  const prototype = `${text.prototype.slice(0, -1)}${parameters})`;
  return { ...text, prototype, text: sizes.apply(text.text).replace(text.prototype, () => prototype) };
}

/** C sources and header of a program. The text depends on the specification alone, byte for byte. */
export function emitModule(spec: ModuleSpec): EmittedModule {
  const stem = identifier(spec.name, 'model').toLowerCase();
  const names = new Names();
  const top = comment(spec.comment.length > 0 ? spec.comment : [spec.name]);
  const forms = spec.shareSizes === true ? mergedForms(formsOf(spec.calls)) : formsOf(spec.calls);
  const kernels = forms.map((form): NamedKernel => {
    const [first] = form.calls;
    if (!first) throw new Error('a form without calls');
    const name = names.fresh(`${stem}_${first.kernel.name}`, 'kernel');
    // A function that serves several kernels stands for none of their lines.
    const source = new Set(form.calls.map((c) => c.kernel)).size > 1 ? undefined : spec.lineOf?.(first.kernel);
    const others = [
      ...new Set(form.calls.filter((c) => c.kernel !== first.kernel).map((c) => c.comment[0] ?? c.kernel.name)),
    ];
    const also = others.length > 0 ? ['', 'The same function serves:', ...others.map((o) => `- ${o}`)] : [];
    return {
      kernel: first.kernel,
      name,
      comment: [...first.comment, ...also],
      shared: form.shared,
      sizes: form.sizes,
      source,
    };
  });
  const { files, texts } = filesOf(kernels, `${stem}_kernels`, top);
  const functions = new Map<LoweredKernel, CalledFunction>();
  forms.forEach((form, i) => {
    for (const { kernel } of form.calls)
      functions.set(kernel, {
        text: texts[i] as KernelText,
        constants: form.shared ? kernel.constants : [],
        sizes: form.sizesOf?.get(kernel) ?? [],
      });
  });
  const used = [...new Set(spec.calls.map((c) => c.kernel))];
  const program = programText(spec, stem, top, functions, names);
  return {
    stem,
    files: [
      { name: `${stem}.h`, text: headerText(spec, stem, top) },
      { name: `${stem}.c`, text: program.text, flags: spec.shareSizes === true ? ['-Os'] : [] },
      ...files,
    ],
    constantBytes: texts.reduce((n, t) => n + t.constantBytes, 0) + program.constantBytes,
    functions: used.map((kernel) => functions.get(kernel)?.text.name ?? ''),
    marks: program.marks,
  };
}

/** Calls whose kernels differ in names and in the values of constants alone share a function. */
interface Form {
  readonly calls: readonly KernelCall[];
  readonly shared: boolean;
  /** The C that the calls share, constants as parameters; with the flags it is compiled with. */
  readonly key: string;
  readonly sizes?: SharedSizes;
  readonly sizesOf?: ReadonlyMap<LoweredKernel, readonly number[]>;
}

function formsOf(calls: readonly KernelCall[]): readonly Form[] {
  const byText = new Map<string, KernelCall[]>();
  const keys = new Map<LoweredKernel, string>();
  const keyOf = (kernel: LoweredKernel): string => {
    const known = keys.get(kernel);
    if (known !== undefined) return known;
    const body = emitKernel(kernel, new Helpers(), { name: 'f', constantsAsParameters: true, literally: true }).text;
    const key = `${kernel.flags.join(' ')}\n${body}`;
    keys.set(kernel, key);
    return key;
  };
  for (const call of calls) {
    const key = keyOf(call.kernel);
    const same = byText.get(key);
    if (same) same.push(call);
    else byText.set(key, [call]);
  }
  return [...byText].map(([key, list]) => ({
    calls: list,
    key,
    shared: list.some((c) => c.kernel !== list[0]?.kernel) && list.some((c) => c.kernel.constants.length > 0),
  }));
}

/** Forms that differ in sizes alone as one each, in the place of the first. */
function mergedForms(forms: readonly Form[]): readonly Form[] {
  const bySkeleton = new Map<string, Form[]>();
  for (const form of forms) {
    // Without parameters there is nothing to append sizes to.
    const skeleton = form.key.includes('(void)') ? form.key : skeletonOf(form.key);
    const same = bySkeleton.get(skeleton);
    if (same) same.push(form);
    else bySkeleton.set(skeleton, [form]);
  }
  return [...bySkeleton.values()].flatMap((group): readonly Form[] => {
    const sizes = group.length < 2 ? undefined : sharedSizes(group.map((form) => form.key));
    if (sizes === undefined) return group;
    const calls = group.flatMap((form) => form.calls);
    const sizesOf = new Map(
      group.flatMap((form, i) => form.calls.map((c) => [c.kernel, sizes.values[i] ?? []] as const)),
    );
    return [
      { calls, shared: calls.some((c) => c.kernel.constants.length > 0), key: group[0]?.key ?? '', sizes, sizesOf },
    ];
  });
}
