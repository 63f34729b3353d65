/** `additive`: the old version doesn't notice. `reversible`: it may, and nothing is lost. `lossy`: data goes. `unknown`: can't tell. */
export interface Effect {
  readonly kind: 'additive' | 'reversible' | 'lossy' | 'unknown';
  readonly why: string;
}

/** Names of tables made earlier in the same file: the old version cannot know them, so anything may be done to them. */
export type Fresh = ReadonlySet<string>;

export function effect(kind: Effect['kind'], why: string): Effect {
  return { kind, why };
}
