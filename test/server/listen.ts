import { request, type IncomingMessage } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** A stream of events, read by a client that is not ours. */
export interface Heard {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly events: readonly EventSourceMessage[];
  /** True when the server has ended it. */
  ended(): boolean;
  close(): void;
}

/** @param tell is called with every event as it comes, and with null when the stream has ended */
export async function listen(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  tell: (event: EventSourceMessage | null) => void = () => undefined,
): Promise<Heard> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { headers, agent: false }, resolve).once('error', reject).end();
  });
  const events: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (event) => {
      events.push(event);
      tell(event);
    },
  });
  let ended = false;
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => parser.feed(chunk));
  response.on('close', () => {
    ended = true;
    tell(null);
  });
  response.on('error', () => undefined);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    ended: () => ended,
    close: () => response.destroy(),
  };
}
