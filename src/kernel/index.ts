export * from './pure.ts';
export * from './effects.ts';
export * from './system.ts';
export { createExec, type ExecOptions } from './exec.ts';
export { createLogSink, type LogSink, type LogSinkOptions, type LogSummary } from './log-sink.ts';
export { createLineSplitter, renderBlock, type LogBlock } from './log-lines.ts';
export { readProcessStat, signalGroup, groupAlive, stopGroup, type ProcessStat } from './process-group.ts';
export { parseEnvFile } from './core/env-file.ts';
export { whyNotFound } from './start-error.ts';
