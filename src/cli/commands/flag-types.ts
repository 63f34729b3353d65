import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { loadFlags } from '../../config/index.ts';
import { accessors, accessorsOf } from '../../flags/index.ts';
import { ERRORS, messageOf, SlipwayError } from '../../kernel/index.ts';
import { answer } from '../output/as-is.ts';
import { count } from '../output/table.ts';
import { withAppNow } from './shared/app.ts';
import { refuseProblems } from './shared/flag-files.ts';
import { environmentOf } from './shared/flags.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

/** Writes typed accessors for TypeScript, or checks that they are as they would be written. */
export const run: Handler = async (call) => {
  const out = text(call, 'out') ?? null;
  const isCheck = flag(call, 'check');
  if (isCheck && out === null) throw new SlipwayError('usage', '--check compares a file: name it with --out');
  const made = await madeFor(call);
  refuseClash(made);
  if (out === null) {
    answer(call.terminal, { out, flags: made.keys, upToDate: null, text: made.text }, () => made.text.trimEnd());
    return 0;
  }
  const file = resolve(call.directory, out);
  const there = await textOf(file);
  const isSame = there?.replaceAll('\r\n', '\n') === made.text;
  if (!isCheck && !isSame) await write(file, out, made.text);
  const document = { out, flags: made.keys, upToDate: isSame, text: null };
  answer(call.terminal, document, () => (isCheck ? checkedText(call, { out, isSame, there }) : writtenText(out, isSame, made.keys.length)));
  return isCheck && !isSame ? ERRORS.gate_blocked.exit : 0;
};

/** @throws SlipwayError `config_invalid` */
function refuseClash({ clashes: [clash] }: ReturnType<typeof accessors>): void {
  if (clash === undefined) return;
  const types = clash.types.join(' and ');
  throw new SlipwayError('config_invalid', `${clash.key} has values of type ${types}, by environment, so code cannot ask for it`, {
    hint: 'Give it one type, or another key there.',
  });
}

function writtenText(out: string, isSame: boolean, flags: number): string {
  return isSame ? `${out} is as it would be written.` : `Wrote ${count(flags, 'flag')} to ${out}.`;
}

function checkedText(
  call: Call,
  { out, isSame, there }: { readonly out: string; readonly isSame: boolean; readonly there: string | null },
): string {
  if (isSame) return `${out} is as the flags are.`;
  const environment = text(call, 'env');
  const again = `slipway flag types --out ${out}${environment === undefined ? '' : ` -e ${environment}`}`;
  return `${out} ${there === null ? 'is not there' : 'is not as the flags are'}: run \`${again}\` and commit it.`;
}

async function madeFor(call: Call): Promise<ReturnType<typeof accessors>> {
  if (text(call, 'env') !== undefined) {
    const environment = environmentOf(call);
    return withAppNow(call, async ({ opened }) => accessors([(await opened.flags.read(environment)).set]));
  }
  const loaded = await loadFlags(call.directory);
  if (loaded.files.flags.length === 0)
    throw new SlipwayError('config_missing', 'No file of the folder flags declares a flag', {
      hint: 'Name an environment of the server with -e, or bring its flags here with `slipway flag pull`.',
    });
  const made = accessorsOf(loaded.files);
  for (const gap of made.gaps) refuseProblems(loaded, gap.environment, [gap]);
  return made;
}

async function textOf(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new SlipwayError('usage', `${file} cannot be read: ${messageOf(error)}`);
  });
}

async function write(file: string, out: string, content: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  } catch (error) {
    throw new SlipwayError('usage', `--out ${out} cannot be written: ${messageOf(error)}`);
  }
}
