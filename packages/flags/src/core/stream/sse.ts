/** One server-sent event; `data` without its last line end. A comment, which servers send as a sign of life, has the type `:`. */
export interface ServerSentEvent {
  readonly type: string;
  readonly data: string;
  /** The last id that was seen, this event's or an earlier one's. */
  readonly id: string;
}

export interface SseParser {
  /** Takes text as it comes, cut anywhere, and answers the events that are whole now. */
  push(text: string): readonly ServerSentEvent[];
}

/**
 * Parses `text/event-stream` as the HTML standard says (section 9.2.6), but `retry`: how often to try again is not for the server to say.
 * @throws RangeError from `push` when one event is longer than `maxLength` characters, so that a broken server fills no memory
 */
export function createSseParser(maxLength = 64 * 1024 * 1024): SseParser {
  /** Pieces of the line that has no end yet: joined once, however many there are. */
  let pieces: string[] = [];
  let length = 0;
  let afterCr = false;
  let first = true;
  let data: string[] = [];
  let type = '';
  let id = '';

  const field = (line: string): void => {
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line.charAt(colon + 1) === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') data.push(value);
    else if (name === 'event') type = value;
    else if (name === 'id' && !value.includes('\0')) id = value;
  };
  const dispatch = (events: ServerSentEvent[]): void => {
    if (data.length > 0) events.push({ type: type === '' ? 'message' : type, data: data.join('\n'), id });
    data = [];
    type = '';
    length = 0;
  };
  const endLine = (last: string, events: ServerSentEvent[]): void => {
    const whole = pieces.length === 0 ? last : pieces.join('') + last;
    pieces = [];
    const line = first && whole.startsWith('\uFEFF') ? whole.slice(1) : whole;
    first = false;
    if (line === '') dispatch(events);
    else if (line.startsWith(':')) events.push({ type: ':', data: '', id });
    else field(line);
  };
  return {
    push: (text) => {
      const events: ServerSentEvent[] = [];
      let start = afterCr && text.startsWith('\n') ? 1 : 0;
      if (text !== '') afterCr = text.endsWith('\r');
      const ends = /\r\n|\n|\r/g;
      ends.lastIndex = start;
      for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
        length += end.index - start;
        endLine(text.slice(start, end.index), events);
        start = ends.lastIndex;
      }
      if (start < text.length) pieces.push(text.slice(start));
      length += text.length - start;
      if (length > maxLength) throw new RangeError(`an event is longer than ${maxLength} characters`);
      return events;
    },
  };
}
