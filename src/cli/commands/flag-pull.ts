import { editFlags, pulledText, writeFlags } from '../../config/index.ts';
import { editsFor, type JudgedFlag } from '../../flags/index.ts';
import { differenceDocument, renderDifferences } from '../output/flag-diff.ts';
import { count } from '../output/table.ts';
import { withAppNow } from './shared/app.ts';
import { besideServer, refuseWrongFiles } from './shared/flag-files.ts';
import { environmentOf } from './shared/flags.ts';
import { flag, type Handler } from './spec.ts';

/** Brings what was changed on the server into the files. */
export const run: Handler = async (call) => {
  const environment = environmentOf(call);
  const [dryRun, all] = [flag(call, 'dryRun'), flag(call, 'all')];
  await refuseWrongFiles(call, environment);
  return withAppNow(call, async (app) => {
    const { terminal } = call;
    const { loaded, compared, pulled } = await besideServer(call, app, environment);
    const isTaken = (one: JudgedFlag): boolean => all || one.changedBy !== null;
    const taken = compared.judged.filter(isTaken);
    const ahead = compared.judged.filter((one) => !isTaken(one));
    const edits = editsFor(
      taken.map(({ difference, known }) => ({ difference, known: all ? null : known })),
      loaded.files,
      environment,
      compared.origins,
    );
    const texts = new Map(editFlags(loaded, edits));
    const { seq } = compared.stored.set;
    const isNews = texts.size > 0 || (seq > 0 && pulled[environment] !== seq);
    const files = [...texts.keys()];
    if (isNews) texts.set(...pulledText(pulled, environment, seq));
    if (!dryRun) await writeFlags(call.directory, texts);
    if (terminal.json) {
      terminal.data({
        environment,
        seq,
        dryRun,
        files,
        pulled: taken.map((one) => differenceDocument(one, 'files')),
        ahead: ahead.map((one) => differenceDocument(one)),
      });
      return 0;
    }
    if (taken.length > 0) terminal.note(renderDifferences(taken, { environment, loaded, style: terminal.style, changes: 'files' }));
    const what =
      files.length === 0
        ? `The files have everything that was changed in ${environment}`
        : `${dryRun ? 'Would write' : 'Wrote'} ${files.join(', ')}`;
    terminal.say(
      `${what}.${ahead.length === 0 ? '' : ` Left as they are, since the files are ahead: ${count(ahead.length, 'difference')} to apply.`}`,
    );
    return 0;
  });
};
