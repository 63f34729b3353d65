import { joinVerdicts } from '../../kernel/index.ts';
import { checkFlag } from '../core/carried-flags.ts';
import { pass } from './answers.ts';
import type { PreflightCheck } from './preflight.ts';

/** The flags a release carries exist, are owned, and are off until somebody turns them on. */
export const checkFlags: PreflightCheck = async ({ flags }, { definition, environment, kind, previous }) => {
  const carried = definition.flags ?? [];
  if (carried.length === 0) return pass('slipway.yaml names no flags');
  // Whatever they are: they must not keep anybody on the version that is left.
  if (kind === 'rollback') return pass('not asked: going back turns off what only the version that is left knows');
  const { set } = await flags.read(environment);
  const known = new Set(previous?.definition.flags);
  const parts = carried.map((key) =>
    checkFlag({ environment, key, known: known.has(key) }, Object.hasOwn(set.flags, key) ? set.flags[key] : undefined),
  );
  const bad = parts.filter(({ verdict }) => verdict !== 'pass');
  const fix = bad.flatMap((one) => one.fix ?? []).join(' ');
  const reason = (bad.length > 0 ? bad : parts).map((one) => `${one.name.replace('flag ', '')}: ${one.reason}`).join('; ');
  return { verdict: joinVerdicts(parts.map(({ verdict }) => verdict)), reason, ...(fix === '' ? {} : { fix }), parts };
};
