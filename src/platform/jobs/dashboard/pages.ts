const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;background:#f3f4f6;color:#111827;margin:0}main{max-width:44rem;margin:2rem auto;padding:0 1rem}' +
  'body.center{display:grid;place-items:center;min-height:100vh}' +
  'form.card,details{background:#fff;padding:1rem 1.5rem;border-radius:8px;box-shadow:0 1px 4px #0003}form.card{padding:2rem;width:20rem}' +
  'details{margin:1rem 0}summary{cursor:pointer}h1{font-size:1.25rem;margin:0 0 1rem}small{color:#4b5563}' +
  'label{display:block;margin:.75rem 0 .25rem}input:not([type=checkbox]),textarea{width:100%;box-sizing:border-box;padding:.5rem;font:inherit;border:1px solid #9ca3af;border-radius:4px}' +
  'button{margin-top:1.25rem;width:100%;padding:.6rem;font:inherit;color:#fff;background:#1d4ed8;border:0;border-radius:4px;cursor:pointer}' +
  'p[role=alert]{color:#b91c1c;margin:.5rem 0 0}';

/** A page of the dashboard that is ours, and not Bull Board's. It loads nothing. */
export function page(title: string, body: string, bodyClass = ''): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)} · core-api</title><style>${STYLE}</style></head>
<body class="${bodyClass}">${body}</body></html>
`;
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
