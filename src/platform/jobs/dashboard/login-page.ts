import { escapeHtml, page } from './pages.ts';

/**
 * The page that asks who wants to see the dashboard.
 * @param action where the form is sent
 * @param problem why the last try was refused
 * @param ticket of a sign-in whose password was right, and that takes a code too
 */
export function loginPage(action: string, problem: string | null, ticket: string | null = null): string {
  const fields =
    ticket === null
      ? `<label for="email">E-mail</label><input id="email" name="email" type="email" autocomplete="username" required autofocus>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>`
      : `<input type="hidden" name="ticket" value="${escapeHtml(ticket)}">
<label for="code">Code of your app, or a recovery code</label><input id="code" name="code" autocomplete="one-time-code" required autofocus>`;
  return page(
    'Background jobs: sign in',
    `<form class="card" method="post" action="${escapeHtml(action)}"><h1>core-api: Background jobs</h1>
${fields}
${problem === null ? '' : `<p role="alert">${escapeHtml(problem)}</p>`}
<button>Sign in</button></form>`,
    'center',
  );
}
