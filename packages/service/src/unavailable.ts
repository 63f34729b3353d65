/**
 * "Not now, come again": answered as 503 with Retry-After. Express, Fastify and Hono each read what they know of it
 * (`status`, `statusCode`, `headers`, `getResponse`), so throwing it is enough in all of them.
 */
export class ServiceUnavailable extends Error {
  override readonly name = 'ServiceUnavailable';
  readonly code = 'SERVICE_UNAVAILABLE';
  readonly status = 503;
  readonly statusCode = 503;
  /** The message says nothing a caller may not know. */
  readonly expose = true;
  readonly headers: Readonly<Record<string, string>>;

  /** @param retryAfterSeconds after how long a new attempt makes sense, in whole seconds */
  constructor(message: string, retryAfterSeconds: number, options?: ErrorOptions) {
    super(message, options);
    this.headers = { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) };
  }

  /** What Hono answers with when a handler throws this. */
  getResponse(): Response {
    return Response.json({ error: this.message }, { status: this.status, headers: this.headers });
  }
}
