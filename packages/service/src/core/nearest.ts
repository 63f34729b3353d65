/** Edits between two words; swapped neighbours count as one (optimal string alignment). */
function distance(left: string, right: string): number {
  let before: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      const edits = [(last[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + (same ? 0 : 1)];
      const swapped = row > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (swapped) edits.push((before[column - 2] ?? 0) + 1);
      next.push(Math.min(...edits));
    }
    before = last;
    last = next;
  }
  return last[right.length] ?? 0;
}

/** The candidate that `name` most likely was meant to be: at most two edits, and one in four letters. Null when none is near. */
export function nearest(name: string, candidates: readonly string[]): string | null {
  const limit = Math.min(2, Math.floor(name.length / 4));
  const near = candidates
    .map((candidate) => ({ candidate, edits: distance(name.toUpperCase(), candidate.toUpperCase()) }))
    .filter(({ edits }) => edits <= limit)
    .toSorted((a, b) => a.edits - b.edits);
  return near[0]?.candidate ?? null;
}
