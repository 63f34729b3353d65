/** `text: reason`, or the text alone when nobody gave a reason. */
export function withReason(text: string, reason: string): string {
  return reason === '' ? text : `${text}: ${reason}`;
}
