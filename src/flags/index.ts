// Named as other rooms need them: some of them have a context or an evaluation of their own.
export { compile as compileFlags } from './evaluator.ts';
export type {
  About,
  Bucket,
  Condition,
  Context as FlagContext,
  Decision as FlagDecision,
  Evaluation as FlagEvaluation,
  Evaluator as FlagEvaluator,
  ExplainedCondition,
  Flag,
  FlagSet,
  FlagType,
  FlagValue,
  Rule,
  Segment,
  Serve,
  Step,
  ValueType,
} from './evaluator.ts';
export type * from './ports.ts';
export { ALL_FLAGS } from './ports.ts';
export * from './stream/index.ts';
export { changeFlags, type Asked } from './change.ts';
export { refuseInvalid } from './problems.ts';
export { refuseUnexplained, requireReasons } from './reasons.ts';
export { conditionText, serveText, stateText, valueText } from './core/describe.ts';
export { dependantsOf, type Dependant } from './core/dependants.ts';
export { differences, type Difference } from './core/diff.ts';
export { newFlag, type Draft } from './core/draft.ts';
export * from './core/edit.ts';
export type { Target } from './core/targets.ts';
export { awaitDelivery, deliveryOf, type Delivery, type Ended, type Lost, type Silent } from './delivery.ts';
export { deliveryDocument, killDocument } from './documents.ts';
export { explainFlag, type ExplainedFlag } from './explain.ts';
export { killOf, killsOf, killTexts, refuseKilled, type Kill } from './killed.ts';
export { keepTellingOwners, tellOwners, type NoticeAddress, type NoticeDeps } from './notices.ts';
export { postNotice } from './adapters/webhook.ts';
export { findStale, type FlagStanding, type FoundCode, type StaleReport } from './stale.ts';
export { forgetServer, strangers } from './servers.ts';
export { ruleChange, turnedOffBy } from './origins.ts';
export { createToken, revokeToken, SCOPES, tokenEvents, type TokenEvent } from './tokens.ts';
export type { FlagDeclaration, FlagFiles, FlagTest, Place as FlagPlace, SegmentDeclaration } from './core/files/declaration.ts';
export { parsePercent, percentText } from './core/files/percent.ts';
export { scanRepository, type CodeReferences } from './refs/scan-repository.ts';
export { cleanupSteps, fixedVariant, type CleanupStep } from './core/refs/cleanup.ts';
export type { Reference as CodeReference } from './core/refs/scan.ts';
export { accessors } from './core/accessors.ts';
export { accessorsOf } from './files/accessors.ts';
export { resolveFiles } from './core/files/resolve.ts';
export { writeFlag, writeSegment } from './core/files/render.ts';
export { isSecret, readToken } from './token.ts';
export type { FileDifference } from './core/files/diff.ts';
export { editsFor, type Edit as FlagFileEdit } from './core/files/pull.ts';
export { applyFiles, checkApply, compareFiles, planOf, problemsAfter, type Compared as ComparedFlags } from './files/compare.ts';
export type { FilesProblem } from './files/problems.ts';
export type { ApplyPlan, Judged as JudgedFlag } from './files/judge.ts';
export { mistakesIn } from './files/mistakes.ts';
export { testedEnvironments, testFiles, type TestResult as FlagTestResult } from './files/test.ts';
export { createFlag, deleteFlag, deleteSegment, editFlag, editSegment, flagOf, killFlag, NoFlag, segmentOf, undoKill } from './verbs.ts';
export { importFlagd } from './core/exchange/from-flagd.ts';
export { alreadyDeclared, onlyNew, type AlreadyDeclared } from './core/exchange/beside-files.ts';
export { importUnleash } from './core/exchange/from-unleash.ts';
export { exportFlagd } from './core/exchange/to-flagd.ts';
export type { ImportDefaults as FlagImportDefaults, Imported as ImportedFlags, Told as FlagTold } from './core/exchange/told.ts';
