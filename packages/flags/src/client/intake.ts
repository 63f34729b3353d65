import type { FlagSet } from '../core/definition.ts';
import { judge, type Judgement, type Refusal } from '../core/stream/apply.ts';
import { parseDocument, parseEnvelope, positionOf, snapshotEtag, type Document } from '../core/stream/wire.ts';
import type { Trust } from './trust.ts';
import type { Refused } from './words.ts';

/** What became of something that was sent. */
export type Taken =
  /** `acknowledge`: the change that whoever sent it wants to hear is applied; null: nobody does. */
  { readonly kind: 'applied' | 'known' | 'gap'; readonly acknowledge: number | null } | ({ readonly kind: 'refused' } & Refused);

/** The one door through which flags come in: verified, judged, one after the other. */
export interface Intake {
  /**
   * @param text an envelope
   * @param askedAt the `seq` at the time it was asked for; none for what was pushed
   */
  take(text: string, askedAt?: number): Promise<Taken>;
  set(): FlagSet | null;
  /** What is here is all that it was told of. */
  isSure(): boolean;
  /** The server showed older flags, and nothing newer since. */
  isForked(): boolean;
  /** Whose flags are taken; null: whichever come first. */
  environment(): string | null;
  /** From where the server may go on with changes alone; null when the whole is wanted. */
  position(): string | null;
  /** Of the snapshot that need not be sent again; null when any is wanted. */
  etag(): string | null;
}

export interface Applied {
  readonly set: FlagSet;
  /** The envelope it came in. */
  readonly envelope: string;
  readonly document: Document;
  /** Of another past than what was here, so that it may be other flags although `seq` is the same. */
  readonly isOther: boolean;
}

export interface IntakeParts {
  readonly trust: Trust;
  /** Null: the first one seen. */
  readonly environment: string | null;
  readonly applied: (what: Applied) => void;
  readonly refused: (what: Refused) => void;
  /** The whole is wanted again, although nothing is missing. */
  readonly wantsWhole: () => boolean;
}

/** Of what calls itself a key; ours are shorter. */
const MOST_KEY = 80;

export function createIntake({ trust, environment, applied, refused, wantsWhole }: IntakeParts): Intake {
  let set: FlagSet | null = null;
  let tag: string | null = null;
  const certainty = createCertainty();
  let turn: Promise<unknown> = Promise.resolve();
  const wantedEnvironment = (): string | null => set?.environment ?? environment;

  const take = async (text: string, askedAt: number | null): Promise<Taken> => {
    const read = await readEnvelope(text, trust);
    if ('why' in read) return { kind: 'refused', ...read };
    const { document, key } = read;
    const wanted = wantedEnvironment();
    const judgement = judge(document, { set, environment: wanted, askedAt, forked: certainty.isForked() });
    const isOther = certainty.isForked();
    certainty.judged(judgement, document);
    if (judgement.kind === 'refuse') return { kind: 'refused', ...refusedOf(judgement.why, document, { environment: wanted, set }) };
    const acknowledge = document.kind === 'delta' && document.acknowledge ? document.seq : null;
    if (judgement.kind !== 'apply') return { kind: judgement.kind, acknowledge };
    if (document.kind === 'snapshot') {
      trust.learn([...new Set([key, ...document.keys])]);
      tag = document.tag;
    }
    set = judgement.set;
    applied({ set, envelope: text, document, isOther });
    return { kind: 'applied', acknowledge };
  };
  return {
    set: () => set,
    isSure: certainty.isSure,
    isForked: certainty.isForked,
    environment: wantedEnvironment,
    position: () => (set === null || tag === null || !certainty.isSure() ? null : positionOf(set.seq, tag)),
    etag: () => (set === null || tag === null || !certainty.isSure() || wantsWhole() ? null : snapshotEtag(set.seq, tag)),
    take: (text, askedAt) => {
      const taken = turn.then(async () => {
        const answer = await take(text, askedAt ?? null);
        if (answer.kind === 'refused') {
          certainty.refused();
          refused(answer);
        }
        return answer;
      });
      turn = taken.catch(() => undefined);
      return taken;
    },
  };
}

function refusedOf(
  why: Refusal,
  document: Document,
  { environment, set }: { readonly environment: string | null; readonly set: FlagSet | null },
): Refused {
  if (why === 'foreign-environment') return { why, found: document.environment, wanted: environment };
  return { why, found: String(document.seq), wanted: set === null ? null : String(set.seq) };
}

/** What an envelope holds and who signed it, or why it is not believed. */
async function readEnvelope(text: string, trust: Trust): Promise<{ readonly document: Document; readonly key: string } | Refused> {
  const envelope = parseEnvelope(text);
  const malformed: Refused = { why: 'malformed', found: null, wanted: null };
  if (envelope === null) return malformed;
  const distrust = await trust.check(envelope);
  if (distrust !== null) return { why: distrust, found: envelope.key.slice(0, MOST_KEY), wanted: trust.pinned ? 'pinned' : null };
  const document = parseDocument(envelope.payload);
  return document === null ? malformed : { document, key: envelope.key };
}

/** Whether what a client has is all that it was told of. Signs of life of a server count only while it is. */
interface Certainty {
  /** False: only a document that is applied makes it so again, and the whole must be asked for. */
  isSure(): boolean;
  /**
   * The server showed older flags than these, so its past may be another one: a change of it says nothing of what stands here, even
   * where the numbers fit.
   */
  isForked(): boolean;
  /** Something was sent and not taken. */
  refused(): void;
  judged(judgement: Judgement, document: Document): void;
}

function createCertainty(): Certainty {
  let begun = false;
  let distrusts = false;
  let forked = false;
  /** A change that was told and does not follow from what is here. */
  let owed = 0;
  const applied = ({ kind, seq }: Document): void => {
    begun = true;
    distrusts = false;
    if (kind === 'snapshot') forked = false;
    // An answer that was on its way before the change was told does not hold it.
    if (seq >= owed) owed = 0;
  };
  return {
    isSure: () => begun && !distrusts && !forked && owed === 0,
    isForked: () => forked,
    refused: () => void (distrusts = true),
    judged: (judgement, document) => {
      if (judgement.kind === 'apply') applied(document);
      else if (judgement.kind === 'gap' && document.kind === 'delta') owed = Math.max(owed, document.seq);
      // An older snapshot: whether it was overtaken, or the server went back.
      else if (isOlder(judgement, document)) forked = true;
    },
  };
}

function isOlder(judgement: Judgement, document: Document): boolean {
  if (judgement.kind === 'refuse') return judgement.why === 'rolled-back';
  return judgement.kind === 'gap' && document.kind === 'snapshot';
}
