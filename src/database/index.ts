export type * from './ports.ts';
export { databaseSize, openAccess } from './access.ts';
export { queryRows } from './query.ts';
export { chooseAvailable, chooseMethod } from './methods.ts';
export { createBackup, discardBackup, type BackupRequest } from './create-backup.ts';
export { readManifest } from './manifest.ts';
export { verifyBackup, type Compared, type VerifyRequest, type VerifyResult } from './verify.ts';
export { discardFailed, restoreBackup, type RestoreRequest, type RestoreResult } from './restore.ts';
export { readMigrations, type MigrationFile, type Script } from './migrations.ts';
export { applyMigrations, migrationStatus, standaloneFence } from './apply.ts';
export { followsConvention } from './core/file-name.ts';
export { downMigrations } from './down.ts';
export { runBackfill } from './backfill/backfill.ts';
export { forecastBackfill, type BackfillForecast } from './backfill/dry-run.ts';
export { controlBackfill, lookAtBackfill, type BackfillControl } from './backfill/control.ts';
export { progressOf, type ProgressFigures } from './core/backfill/forecast.ts';
export type { BackfillState, Wanted } from './backfill/state.ts';
export type { BackfillRequest, BackfillResult, BatchRecord } from './backfill/ports.ts';
export {
  DEFAULT_LIMITS,
  type BackfillChange,
  type BackfillDefinition,
  type BackfillLimits,
  type HealthLimits,
} from './core/backfill/definition.ts';
export { planMigrations } from './plan/plan.ts';
export type { CountedLoss, MigrationPlan, PlannedFile, TouchedTable } from './plan/ports.ts';
export { lintFiles, type LintedFile } from './lint/lint.ts';
export { readSources } from './lint/sources.ts';
export { readCatalog } from './lint/catalog.ts';
export { printedSql, printWith } from './lint/printed.ts';
export { pendingFiles } from './lint/applied.ts';
export { FORMAT_NAMES, type FormatName, type SourceFile } from './lint/ports.ts';
export { MEASURED, measuredVersion } from './core/lint/measured-facts.ts';
export { RULES, type RuleId } from './core/lint/rules.ts';
export type { Finding } from './core/lint/findings.ts';
export type { LintOptions, TableSize, TransactionMode } from './core/lint/types.ts';
export type { Schema } from './core/lint/schema.ts';
export { schemasOf, type PhasedFile, type SchemaName, type SchemaRecipe } from './core/prove/schemas.ts';
export { cellsOf, matrixVerdict, type Cell, type Part, type VersionSide } from './core/prove/matrix.ts';
export { openShadows, type Shadows } from './shadow/shadows.ts';
export { readQueries, runQueries, type DeclaredQuery } from './shadow/queries.ts';
export { loadSample } from './shadow/sample.ts';
export { traceFiles } from './trace/trace.ts';
export type { TracedFile, TracedStatement } from './trace/ports.ts';
