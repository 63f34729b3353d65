/** Text of VERIFY.md: how to check the pack, and what its signatures cannot say. */
export function renderInstructions(release: string, fingerprints: { readonly pack: string; readonly log: string }): string {
  return `# How to verify this evidence pack

Release \`${release}\`.

## With Slipway

    slipway evidence verify <this folder> --pin <fingerprint of the pack key>

Without a pinned fingerprint the answer is UNKNOWN at best, because the keys in \`keys/\` came with the pack.
Get the fingerprint from the installation's owner by another way than this pack. This pack claims:

    pack key ${fingerprints.pack}
    log key  ${fingerprints.log}

## Without Slipway

\`sha256sum\`, \`openssl\` 3 and \`jq\` are enough; \`docs/verify-evidence.md\` of the Slipway repository has every line.
The first two lines, run in this folder:

    sha256sum --check --strict SHA256SUMS
    openssl dgst -sha256 -verify keys/pack.pub -signature SHA256SUMS.sig SHA256SUMS

These two do not notice a file that was added and not listed; the full procedure does.

## What the signatures prove

- Nothing in this folder was changed, added or removed since the holder of the pack key signed it.
- The events are complete and in order up to the signed size of the log, and each raw log is the one its event names.

## What they do not prove

- That the events are true. Whoever holds the signing keys can write a false history from then on. A fingerprint pinned
  elsewhere, and checkpoints (\`log/checkpoint\`) copied to where the release machine cannot write, bound what can be forged.
- That the times are right: they are the clock of the machine that ran the release.
- That this is the only release that happened. Ask for the packs of all releases and compare them with what runs.
- That checks passed which were not made: read in \`report.html\` what was checked and what was skipped, and why.
- That a raw log is all a command wrote: credentials are hidden before it is stored, very long output is cut, and says so.
`;
}
