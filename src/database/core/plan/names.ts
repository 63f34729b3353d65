/** A name as SQL writes it. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** The same of one that a statement wrote with its schema, or without. */
export const relation = (name: string): string => name.split('.').map(quoted).join('.');
