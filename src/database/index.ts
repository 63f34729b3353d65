export type * from './ports.ts';
export { databaseSize, openAccess } from './access.ts';
export { queryRows } from './query.ts';
export { chooseAvailable, chooseMethod } from './methods.ts';
export { createBackup, discardBackup, type BackupRequest } from './create-backup.ts';
export { readManifest } from './manifest.ts';
export { verifyBackup, type Compared, type VerifyRequest, type VerifyResult } from './verify.ts';
export { discardFailed, restoreBackup, type RestoreRequest, type RestoreResult } from './restore.ts';
export { readMigrations } from './read-migrations.ts';
export { declaredFormat } from './histories/choose.ts';
export type { FolderRequest } from './histories/ports.ts';
export type { MigrationFile } from './migrations.ts';
export type { Script } from './script.ts';
export { HISTORY_NAMES, type WantedHistory } from './core/history-name.ts';
export { applyMigrations, migrationStatus, standaloneFence } from './apply.ts';
export { OWN_HISTORY } from './history.ts';
export { followsConvention } from './core/file-name.ts';
export { downMigrations } from './down.ts';
export { runBackfill } from './backfill/backfill.ts';
export { forecastBackfill, type BackfillForecast } from './backfill/dry-run.ts';
export { controlBackfill, lookAtBackfill, type BackfillControl } from './backfill/control.ts';
export { progressOf, type ProgressFigures } from './core/backfill/forecast.ts';
export type { BackfillState, Wanted } from './backfill/state.ts';
export type { BackfillRequest, BackfillResult, BatchRecord, WaitRecord } from './backfill/ports.ts';
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
export { usualFolders } from './lint/usual-folders.ts';
export { readCatalog } from './lint/catalog.ts';
export { pipedSql, printWith } from './lint/printed.ts';
export { lintPending } from './lint/pending.ts';
export { judgeFiles, type PostgresVersion, type VersionFrom } from './lint/judge.ts';
export { pendingFiles, type JudgedFiles } from './lint/applied.ts';
export { FORMAT_NAMES, type FormatName, type SourceFile } from './lint/ports.ts';
export { MEASURED, measuredVersion } from './core/lint/measured-facts.ts';
export { RULES, type RuleId } from './core/lint/rules.ts';
export type { Finding } from './core/lint/findings.ts';
export type { LintOptions, TableSize, TransactionMode } from './core/lint/types.ts';
export type { Schema } from './core/lint/schema.ts';
export { schemasOf, type PhasedFile, type SchemaName, type SchemaRecipe } from './core/prove/schemas.ts';
export { cellsOf, matrixVerdict, type Cell, type Consumer, type Part, type VersionSide } from './core/prove/matrix.ts';
export { beyondIn, beyondInText } from './beyond.ts';
export { openShadows, type Shadows } from './shadow/shadows.ts';
export { readConsumers, readQueries, type DeclaredQuery } from './shadow/queries.ts';
export { captureQueries, type Captured } from './shadow/capture.ts';
export { recordStatements } from './shadow/recorder.ts';
export { querySetOf } from './shadow/sent.ts';
export { writeQueries } from './shadow/query-file.ts';
export { runQueries, type AskedQuery } from './shadow/try-queries.ts';
export type { Answer, Origin } from './core/prove/answers.ts';
export { migratedShadow } from './shadow/migrated.ts';
export { loadSample } from './shadow/sample.ts';
export { traceFiles } from './trace/trace.ts';
export type { TracedFile, TracedStatement } from './trace/ports.ts';
export { loadDump } from './surfaces/dump.ts';
export { checkSurfaces } from './surfaces/surfaces.ts';
export type { SurfaceAnswer, SurfaceKind } from './surfaces/ports.ts';
export { verifyBackfill, type VerifiedBackfill } from './backfill/verified.ts';
export type { Contraction, Unreadable } from './core/old-shape/contractions.ts';
export { pendingContractions, type PendingContractions } from './old-shape/pending.ts';
export { lookAtReader } from './old-shape/reader.ts';
export { lookAtShapes, type ShapeFacts } from './old-shape/look.ts';
export { readFallback } from './old-shape/fallback.ts';
export { sampleMismatch, type SampleBounds } from './old-shape/mismatch.ts';
export type { OutOfTheWay } from './core/old-shape/replaced.ts';
export { columnShape, hasUsers, isSameShape, relationShape, type OldShape } from './core/old-shape/shape.ts';
export {
  SHORTEST_UNEXPLAINED_WINDOW_MS,
  USUAL_WINDOW_MS,
  type ContractDefinition,
  type FallbackCounter,
} from './core/old-shape/declaration.ts';
export {
  judgeDependants,
  judgeFallback,
  judgeMismatch,
  judgeSessions,
  judgeStatements,
  some,
  type Allowed,
  type Window,
} from './core/old-shape/judge.ts';
export type { MismatchDefinition, MismatchSample, SessionGroup } from './core/old-shape/facts.ts';
export { isCertain } from './core/old-shape/uses.ts';
