import { SlipwayError, type Duration, type ErrorCode } from '../../kernel/index.ts';

/** Refused for now; `afterMs` is when to ask again. */
export class Later extends SlipwayError {
  readonly afterMs: Duration;

  constructor(code: ErrorCode, message: string, afterMs: Duration) {
    super(code, message);
    this.afterMs = afterMs;
  }
}
