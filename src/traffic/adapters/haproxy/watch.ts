import type { Clock } from '../../../kernel/index.ts';
import type { Book } from './book.ts';
import { Ejector } from './ejector.ts';
import type { Fleet } from './fleet.ts';
import type { Haproxy } from './process.ts';
import { type Unanswered, unansweredIn, unansweredSince } from './unanswered.ts';

/** Looks at what HAProxy's statistics say and its log lines do not: requests it ended without a word, and instances that break connections. */
export class Watch {
  readonly #fleet: Fleet;
  readonly #book: Book;
  readonly #ejector: Ejector;
  /** What was seen last, by process and backend. */
  #seen: ReadonlyMap<Haproxy, ReadonlyMap<string, Unanswered>> = new Map();
  #last: Promise<void> = Promise.resolve();

  constructor(fleet: Fleet, book: Book, clock: Clock) {
    this.#fleet = fleet;
    this.#book = book;
    this.#ejector = new Ejector(clock);
  }

  /** One look after another; resolves when all that HAProxy knew when it was called has been taken in. */
  look(): Promise<void> {
    this.#last = this.#last.catch(() => undefined).then(() => this.#take());
    return this.#last;
  }

  async #take(): Promise<void> {
    const before = this.#seen;
    const answers = await this.#fleet.statisticsEach();
    const now = new Map(answers.map(({ one, rows }) => [one, unansweredIn(rows)] as const));
    // Those that did not answer are asked again, if they live.
    this.#seen = new Map([...this.#fleet.all().flatMap((one) => pair(one, before.get(one))), ...now]);
    const happened = answers.map(({ one, serves, rows }) => {
      const backends = [...(now.get(one) ?? [])].map(([name, seen]) => [name, unansweredSince(before.get(one)?.get(name), seen)] as const);
      return { one, serves, rows, backends: new Map(backends) };
    });
    // Of one that another agent left nobody knows what was counted.
    const ours = happened.filter(({ one }) => one.servers !== null);
    for (const { backends } of ours) for (const [backend, unanswered] of backends) this.#book.countSilent(backend, unanswered);
    this.#book.looked();
    for (const { one, serves, rows, backends } of ours) if (serves) await this.#ejector.look(one, backends, rows);
  }
}

function pair<K, V>(key: K, value: V | undefined): readonly (readonly [K, V])[] {
  return value === undefined ? [] : [[key, value]];
}
