/** A variable with such a name holds a secret, whatever its value looks like. `GIT_AUTHOR_NAME` does not. */
const SECRET_NAME = /pass|secret|token|key|credential|auth(?!ors?(?:_|$))|dsn|_url$|^url$|private/i;

const URL = /^[a-z][a-z0-9+.-]*:\/\/[^\s/@?#]*(?<path>\/[^\s@?#]*)?$/i;
const PATH = /^\.{0,2}(?<path>\/[\w.@%+-]+)+\/?$/;

/** A longer part of a path may be a token, as in the address of a webhook. */
const LONGEST_PLAIN_PART = 20;

/**
 * The values among a process's or file's variables that must not be shown. By the variable's name, because a value tells
 * nothing; but an address without credentials and the path of a file are no secrets, and logs are full of them.
 */
export function secretValuesOf(variables: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(variables).flatMap(([name, value]) =>
    value !== undefined && SECRET_NAME.test(name) && !isPlace(value) ? [value] : [],
  );
}

function isPlace(value: string): boolean {
  return (URL.test(value) || PATH.test(value)) && value.split('/').every((part) => part.length < LONGEST_PLAIN_PART);
}
