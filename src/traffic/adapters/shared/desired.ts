import { SlipwayError } from '../../../kernel/index.ts';
import type { RouteSpec } from '../../ports.ts';
import { routeSpecSchema } from '../../wire.ts';
import { type DesiredState, readState, writeState } from './store.ts';

/** What a router should be, on disk before it is so; and one change after another. */
export class Desired {
  readonly #directory: string;
  #state: DesiredState;
  /** Changes are made one after another; requests never wait for them. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(directory: string, state: DesiredState) {
    this.#directory = directory;
    this.#state = state;
  }

  /** @throws SlipwayError `state_corrupt` when `routes.json` cannot be read */
  static async open(directory: string): Promise<Desired> {
    return new Desired(directory, await readState(directory));
  }

  get routes(): readonly RouteSpec[] {
    return this.#state.routes;
  }

  /** @throws SlipwayError `fenced` when somebody with a higher fence has changed the route */
  checkFence(fence: number, id: string): void {
    const highest = this.#state.fences[id] ?? 0;
    if (fence < highest) throw new SlipwayError('fenced', `Route ${id} was last changed with fence ${highest}; ${fence} is older`);
  }

  /** @throws SlipwayError `disk_full`; then nothing has changed */
  async record(fence: number, id: string, spec: RouteSpec | null): Promise<void> {
    const others = this.#state.routes.filter((route) => route.id !== id);
    const next: DesiredState = { routes: spec === null ? others : [...others, spec], fences: { ...this.#state.fences, [id]: fence } };
    if (JSON.stringify(next) === JSON.stringify(this.#state)) return;
    await writeState(this.#directory, next);
    this.#state = next;
  }

  serially<T>(change: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(change);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** @throws SlipwayError `config_invalid` with everything that is wrong */
export function validated(spec: RouteSpec): RouteSpec {
  const parsed = routeSpecSchema.safeParse(spec);
  if (parsed.success) return parsed.data;
  throw new SlipwayError('config_invalid', `Route ${spec.id}: ${parsed.error.issues.map(({ message }) => message).join('; ')}`);
}
