import { EXIT_BUG, messageOf, SlipwayError, type ErrorCode } from '../../kernel/index.ts';

/** What is printed about something thrown, and the exit code. */
export interface Failure {
  readonly exit: number;
  readonly text: string;
  readonly json: { readonly error: { readonly code: ErrorCode | 'internal'; readonly message: string; readonly hint: string } };
}

const REPORT =
  'This is a bug in Slipway. Please report it with the command you ran and the output of `slipway doctor`; SLIPWAY_DEBUG=1 shows where it happened.';

/** A refusal is shown without a stack: it is nothing the reader could debug. Our own bug asks to be reported. */
export function failureOf(thrown: unknown, debug: boolean): Failure {
  if (thrown instanceof SlipwayError) {
    const { code, message, hint } = thrown;
    return {
      exit: thrown.exit,
      text: `error: ${message}\nhint: ${hint}${stackOf(thrown, debug)}`,
      json: { error: { code, message, hint } },
    };
  }
  const message = messageOf(thrown);
  return {
    exit: EXIT_BUG,
    text: `internal error: ${message}\nhint: ${REPORT}${stackOf(thrown, debug)}`,
    json: { error: { code: 'internal', message, hint: REPORT } },
  };
}

function stackOf(thrown: unknown, debug: boolean): string {
  return debug && thrown instanceof Error ? `\n${thrown.stack ?? ''}` : '';
}
