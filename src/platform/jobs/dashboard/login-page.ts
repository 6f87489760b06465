const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;background:#f3f4f6;color:#111827;display:grid;place-items:center;min-height:100vh;margin:0}' +
  'form{background:#fff;padding:2rem;border-radius:8px;box-shadow:0 1px 4px #0003;width:20rem}h1{font-size:1.25rem;margin:0 0 1rem}' +
  'label{display:block;margin:.75rem 0 .25rem}input{width:100%;box-sizing:border-box;padding:.5rem;font:inherit;border:1px solid #9ca3af;border-radius:4px}' +
  'button{margin-top:1.25rem;width:100%;padding:.6rem;font:inherit;color:#fff;background:#1d4ed8;border:0;border-radius:4px;cursor:pointer}' +
  'p{color:#b91c1c;margin:.5rem 0 0}';

/**
 * The page that asks who wants to see the dashboard.
 * @param action where the form is sent
 * @param problem why the last try was refused
 */
export function loginPage(action: string, problem: string | null): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Background jobs: sign in</title><style>${STYLE}</style></head>
<body><form method="post" action="${escapeHtml(action)}"><h1>Background jobs</h1>
<label for="email">E-mail</label><input id="email" name="email" type="email" autocomplete="username" required autofocus>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>
${problem === null ? '' : `<p role="alert">${escapeHtml(problem)}</p>`}
<button>Sign in</button></form></body></html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
