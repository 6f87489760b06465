import { escapeHtml, page } from './pages.ts';

/**
 * The page that asks who wants to see the dashboard.
 * @param action where the form is sent
 * @param problem why the last try was refused
 */
export function loginPage(action: string, problem: string | null): string {
  return page(
    'Background jobs: sign in',
    `<form class="card" method="post" action="${escapeHtml(action)}"><h1>core-api: Background jobs</h1>
<label for="email">E-mail</label><input id="email" name="email" type="email" autocomplete="username" required autofocus>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>
${problem === null ? '' : `<p role="alert">${escapeHtml(problem)}</p>`}
<button>Sign in</button></form>`,
    'center',
  );
}
