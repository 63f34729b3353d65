import { loadFlags } from '../../config/index.ts';
import {
  cleanupSteps,
  fixedVariant,
  resolveFiles,
  scanRepository,
  type CodeReferences,
  type Flag,
  type FlagFiles,
} from '../../flags/index.ts';
import { SlipwayError } from '../../kernel/index.ts';
import { renderCleanup, renderReferences, type Cleanup } from '../output/flag-refs.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

/** Says where the code asks for flags. */
export const run: Handler = async (call) => {
  const { terminal } = call;
  const key = call.args[0] ?? null;
  const isCleanup = flag(call, 'cleanup');
  if (isCleanup && key === null) throw new SlipwayError('usage', '--cleanup is about one flag; name its key');
  const { files } = await loadFlags(call.directory);
  const known = new Set([...files.flags.map((one) => one.key), ...(key === null ? [] : [key])]);
  const found = await scanRepository(call.directory, known);
  const shown = { ...found, references: found.references.filter((one) => key === null || one.key === key || one.key === null) };
  const cleanup = isCleanup && key !== null ? cleanupOf(call, key, shown, files) : null;
  if (terminal.json) {
    const steps = cleanup?.steps.map(({ reference: { file, line }, becomes }) => ({ file, line, becomes })) ?? null;
    terminal.data({ ...shown, cleanup: steps });
  } else terminal.say(cleanup === null ? renderReferences(shown, terminal) : renderCleanup(cleanup, terminal));
  return 0;
};

function cleanupOf(call: Call, key: string, found: CodeReferences, files: FlagFiles): Cleanup {
  const { flags } = resolveFiles(files, text(call, 'env') ?? 'prd', { createdAt: () => '' }).set;
  const ending = endingOf(call, key, flags);
  const steps = cleanupSteps(
    found.references.filter((one) => one.key === key),
    ending.value,
  );
  return { key, ...ending, steps, found };
}

/** The variant that stays for good, and its value. */
function endingOf(
  call: Call,
  key: string,
  flags: Readonly<Record<string, Flag>>,
): { readonly variant: string; readonly value: Flag['variants'][string] } {
  const declared = Object.hasOwn(flags, key) ? flags[key] : undefined;
  if (declared === undefined)
    throw new SlipwayError('not_found', `No file of the folder flags declares ${key}, so its variants are not known`, {
      hint: 'Bring it into the repository with `slipway flag pull`.',
    });
  const variant = text(call, 'variant') ?? fixedVariant(declared);
  const names = Object.keys(declared.variants).join(', ');
  if (variant === null)
    throw new SlipwayError('usage', `${key} does not serve one variant to everybody; say with --variant which one stays: ${names}`);
  const value = Object.hasOwn(declared.variants, variant) ? declared.variants[variant] : undefined;
  if (value === undefined) throw new SlipwayError('usage', `${key} has no variant "${variant}"; it has ${names}`);
  return { variant, value };
}
