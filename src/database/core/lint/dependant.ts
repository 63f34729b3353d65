/** What a dependant needs; PostgreSQL drops it only with CASCADE. A column is `table.column`. */
export interface Needed {
  readonly kind: 'relation' | 'column' | 'type' | 'function' | 'schema' | 'index';
  readonly name: string;
}

/** Something that is there for certain and needs something else. */
export interface Dependant extends Needed {
  readonly as: 'view' | 'key' | 'heir' | 'type' | 'default' | 'trigger' | 'policy' | 'function' | 'content' | 'constraint';
  /** The relation it belongs to, or the object itself. */
  readonly owner: string;
  /** The owner's column that it is about, and the constraint, trigger, policy or rule; empty where it is neither. */
  readonly column: string;
  readonly part: string;
  /** As it is told. */
  readonly told: string;
  /** What takes it away. */
  readonly undo: string;
}

/** What is known for certain to need something, and the columns of views. */
export interface Dependants {
  list: readonly Dependant[];
  readonly columns: Map<string, readonly string[]>;
  /** Bare names may be of another schema from some session on, and nobody knows from which: no more is told. */
  blind: boolean;
}

export function noDependants(): Dependants {
  return { list: [], columns: new Map(), blind: false };
}

/** Forgets all: what follows may have dropped any of them, and nobody saw it. */
export function forgetAll(dependants: Dependants): void {
  dependants.list = [];
  dependants.columns.clear();
}
