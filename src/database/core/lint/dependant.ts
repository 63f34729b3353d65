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

/** What is there for certain, because these files made it or gave it its name. */
export interface Made {
  /** A table of which little is known may be a view, or an index. */
  readonly kind: 'table' | 'view' | 'index' | 'sequence' | 'type' | 'function' | 'schema' | 'extension' | 'role';
  /** The table of an index; empty for anything else. */
  readonly owner: string;
  /** Columns of a table, values of an enum, and the types that functions of this name are called with. */
  readonly members: ReadonlySet<string>;
  /** Has it no others? */
  readonly whole: boolean;
  /** Its constraints, by the names that were written. */
  readonly constraints: ReadonlySet<string>;
  /** What the names of its other constraints begin with; null where they may be called anything. */
  readonly given: readonly string[] | null;
  /** Has it a primary key for certain? */
  readonly key: boolean;
  /** `trigger NAME`, `policy NAME` and `rule NAME` of a relation. */
  readonly parts: ReadonlySet<string>;
  /** Has it no others of these? */
  readonly partsWhole: boolean;
}

/** What is certain: what needs something, the columns of views, what is there and what is not any more. */
export interface Dependants {
  list: readonly Dependant[];
  readonly columns: Map<string, readonly string[]>;
  /** By name; what is no relation has its own kind of name, as `typeKey` makes it. */
  readonly there: Map<string, Made>;
  /** Dropped, or called otherwise now. */
  readonly gone: Set<string>;
  /** Where all that there is was asked for: names that may be there or not. Null where more may be there than anybody saw. */
  besides: Set<string> | null;
  /** What is only a session's, and stands before another of its name: of these names nothing is certain. */
  readonly temporary: Set<string>;
  /** Bare names may be of another schema from some session on, and nobody knows from which: no more is told. */
  blind: boolean;
}

export function noDependants(): Dependants {
  return { list: [], columns: new Map(), there: new Map(), gone: new Set(), besides: null, temporary: new Set(), blind: false };
}

/** Forgets all: what follows may have dropped any of them, and nobody saw it. */
export function forgetAll(dependants: Dependants): void {
  dependants.list = [];
  dependants.columns.clear();
  dependants.there.clear();
  dependants.gone.clear();
  dependants.besides = null;
}

/** Forgets some of what is there, without saying that it is gone. */
export function forgetThere({ there, besides }: Dependants, which: (one: Made) => boolean): void {
  for (const [name, one] of there) {
    if (!which(one)) continue;
    there.delete(name);
    besides?.add(name);
  }
}
