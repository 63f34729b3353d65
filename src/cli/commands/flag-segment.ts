import { SlipwayError } from '../../kernel/index.ts';
import { deleteSegment, editSegment, segmentOf, type Condition, type FlagStore, type Segment } from '../../flags/index.ts';
import { answer } from '../output/as-is.ts';
import { renderSegments } from '../output/flags.ts';
import { withAppNow } from './shared/app.ts';
import { conditionOf } from './shared/condition.ts';
import { askedOf, environmentOf } from './shared/flags.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

/** Makes, changes, deletes or shows a named group of contexts; without a key lists all. */
export const run: Handler = async (call) => {
  const [key] = call.args;
  const environment = environmentOf(call);
  const wish = await wishOf(call);
  if (wish !== null && key === undefined) throw new SlipwayError('usage', 'Which segment is meant? Name its key');
  return withAppNow(call, async (app) => {
    const store = app.opened.flags;
    const asked = askedOf(call, app, environment);
    if (wish === null || key === undefined) return show(call, store, environment);
    const made =
      wish === 'delete'
        ? await deleteSegment(store, asked, key)
        : await editSegment(store, asked, key, (before) => edited(key, before, wish));
    const segment = wish === 'delete' ? null : segmentOf(await store.read(environment), key).segment;
    const document = { environment, seq: made?.seq ?? null, key, changed: made !== null, segment };
    answer(call.terminal, document, () => saidOf(key, environment, { deleted: wish === 'delete', changed: made !== null }));
    return 0;
  });
};

function saidOf(key: string, environment: string, { deleted, changed }: { readonly deleted: boolean; readonly changed: boolean }): string {
  if (deleted) return `The segment ${key} in ${environment} is gone.`;
  return changed ? `The segment ${key} in ${environment} is as you say.` : `The segment ${key} in ${environment} is so already.`;
}

type Wish = { readonly when: Condition | null; readonly description: string | null };

async function wishOf(call: Call): Promise<Wish | 'delete' | null> {
  const [when, description] = [text(call, 'when'), text(call, 'description')];
  if (flag(call, 'delete')) {
    if ((when ?? description) === undefined) return 'delete';
    throw new SlipwayError('usage', '--delete needs no --when and no --description');
  }
  if (when === undefined && description === undefined) return null;
  return { when: when === undefined ? null : await conditionOf(call, when), description: description ?? null };
}

function edited(key: string, before: Segment | null, { when, description }: Wish): Segment {
  const condition = when ?? before?.when;
  if (condition !== undefined) return { description: description ?? before?.description ?? '', when: condition };
  throw new SlipwayError('usage', `The segment ${key} is new, so --when is needed`, {
    hint: 'Such as --when \'{ attribute: email, endsWith: "@example.com" }\'.',
  });
}

async function show(call: Call, store: FlagStore, environment: string): Promise<number> {
  const [key] = call.args;
  const stored = await store.read(environment);
  const { terminal } = call;
  if (key !== undefined) segmentOf(stored, key);
  const keys = key === undefined ? [...stored.segmentRevisions.keys()] : [key];
  const shown = keys.map((one) => ({ key: one, ...segmentOf(stored, one) }));
  answer(terminal, { environment, seq: stored.set.seq, segments: shown }, () => renderSegments(environment, shown, terminal.style));
  return 0;
}
