/** Text with every character that means something to HTML replaced; safe in content and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A table; cells are HTML already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const header = head.map((cell) => `<th>${escapeHtml(cell)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('\n');
  return `<table><thead><tr>${header}</tr></thead><tbody>\n${body}\n</tbody></table>`;
}

/** A verdict with its colour; the word is always there, for those who see none. */
export function badge(verdict: string): string {
  const tone = { pass: 'good', fail: 'bad' }[verdict.toLowerCase()] ?? 'open';
  return `<span class="badge ${tone}">${escapeHtml(verdict)}</span>`;
}

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--good:#18794e;--bad:#c62a2f;--open:#946800}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2.2rem;border-bottom:1px solid var(--line)}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .7rem .3rem 0;border-bottom:1px solid var(--line)}
td{overflow-wrap:anywhere}code{font:.86em ui-monospace,monospace;overflow-wrap:anywhere}
.badge{color:#fff;border-radius:.3rem;padding:.05rem .5rem;font-weight:600;white-space:nowrap}
.good{background:var(--good)}.bad{background:var(--bad)}.open{background:var(--open)}.bar{display:block;height:.55rem;background:#5b8def;min-width:2px;border-radius:2px}`;

/** A whole page that asks the network for nothing; the policy forbids it, and scripts, should any text slip through. */
export function page(title: string, body: readonly string[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>
${body.join('\n')}
</body></html>
`;
}
