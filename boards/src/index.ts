/** Boards: profiles, toolchain, connection, running models. */
export { assemblyOf, parseAssembly, type AssemblyFile, type AssemblyFunction } from './assembly.ts';
export type { Board, BoardProfile, Image, MemoryRegion, Provenance, StopReason } from './board.ts';
export { connectBoard } from './connect.ts';
export {
  buildCyclePlugin,
  cycleMark,
  hasCycleModel,
  modelCycles,
  openCycleProbe,
  type CycleFigure,
  type CycleProbe,
  type CycleReport,
} from './cycles.ts';
export { buildModel, deployModel, runModel, saveBuild, type ModelProgram, type ModelRun } from './deploy.ts';
export { examineTools, type ToolReport } from './doctor.ts';
export { makeFolder } from './folders.ts';
export { builtinProfiles, findProfile, parseProfile } from './profile.ts';
export { runJob, ticksToUnit, type Job, type JobResult } from './runner.ts';
export type { LinkedImage, ProgramSize } from './size.ts';
export { missingTool, Toolchain, type BuildOptions, type SourceFile } from './toolchain.ts';
export { memoryOf } from './linker.ts';
