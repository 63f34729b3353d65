/** The newest frames of an environment, for clients that come back. Frames follow each other without a gap. */
export interface Ring {
  /** Adds the frame that leads to `seq`; one that does not follow the newest empties the ring first. */
  add(seq: number, frame: Buffer): void;
  /** The frames that lead from `seq` to the newest; null when one of them is not kept. */
  since(seq: number): readonly Buffer[] | null;
}

/** Keeps frames from `seq` on, at most `most` of them and `mostBytes` in all. */
export function createRing(seq: number, { most = 256, mostBytes = 4 * 1024 * 1024 } = {}): Ring {
  let frames: Buffer[] = [];
  let bytes = 0;
  let newest = seq;
  return {
    add: (next, frame) => {
      if (next !== newest + 1) {
        frames = [];
        bytes = 0;
      }
      newest = next;
      frames.push(frame);
      bytes += frame.length;
      while (frames.length > most || bytes > mostBytes) bytes -= frames.shift()?.length ?? 0;
    },
    since: (from) => {
      const missing = newest - from;
      if (missing < 0 || missing > frames.length) return null;
      return missing === 0 ? [] : frames.slice(-missing);
    },
  };
}
