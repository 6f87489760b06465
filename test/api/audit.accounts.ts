import type { TestRequest } from '#test/support/http.ts';
import type { People } from '#test/support/people.ts';
import { codeOf } from '#test/support/totp.ts';

export interface Around {
  /** Sends a request and expects these entries of it, in order. @returns the answer's body */
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  changes(request: TestRequest, status: number, expected: readonly Readonly<Record<string, unknown>>[]): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  send(request: TestRequest): Promise<{ readonly body: any }>;
  readonly people: People;
  readonly password: string;
  /** What no entry may hold. */
  readonly secrets: Set<string>;
}

/** What the trail says of sessions, tokens for programs and second factors. */
export async function auditAccounts({ changes, send, people, password, secrets }: Around): Promise<void> {
  const person = await people.person('USER');
  const as = person.token();
  const self = { user_id: person.id, user_role: 'USER', resource_id: String(person.id) };
  const auth = '/api/v1/auth';
  const { id, token } = await changes({ method: 'POST', url: `${auth}/tokens`, body: { name: 'export' }, as }, 201, [
    { ...self, action: 'auth.personal_token_created', details: { name: 'export', role: 'USER', read_only: false } },
  ]);
  await changes({ method: 'PATCH', url: '/api/v1/users/me', body: { phone: '2' }, as: token }, 200, [
    { ...self, action: 'user.updated', details: { personal_token_id: id } },
  ]);
  await changes({ method: 'DELETE', url: `${auth}/tokens/${id}`, as }, 204, [
    { ...self, action: 'auth.personal_token_revoked', details: { token_id: id, name: 'export' } },
  ]);
  const { secret } = await changes({ method: 'POST', url: `${auth}/2fa/totp`, as }, 201, []);
  const confirm = { code: codeOf(secret, Date.now()) };
  const { recovery_codes } = await changes(
    { method: 'POST', url: `${auth}/2fa/totp/confirm`, body: confirm, as },
    200,
    [{ ...self, action: 'auth.second_factor_enabled', details: {} }],
  );
  for (const code of recovery_codes) secrets.add(code);
  const login = { email: person.email, password: password };
  const { ticket } = await changes({ method: 'POST', url: `${auth}/login`, body: login }, 401, []);
  secrets.add(ticket);
  const half = { ticket, code: recovery_codes[0] };
  await changes({ method: 'POST', url: `${auth}/login/2fa`, body: half }, 200, [
    { action: 'auth.login_succeeded', details: { method: 'password', second_factor: 'recovery_code' } },
  ]);
  const remove = { method: 'DELETE', url: `/api/v1/users/${person.id}/2fa`, as: people.ADMIN.token() } as const;
  await changes(remove, 204, [
    {
      user_id: people.ADMIN.id,
      user_role: 'ADMIN',
      action: 'user.second_factor_removed',
      resource_id: String(person.id),
    },
  ]);
  const { items } = (await send({ method: 'GET', url: `${auth}/sessions`, as })).body;
  const { id: session_id } = items.find(({ current }: { current: boolean }) => !current);
  await changes({ method: 'DELETE', url: `${auth}/sessions/${session_id}`, as }, 204, [
    { ...self, action: 'auth.session_ended', details: { session_id } },
  ]);
  await changes({ method: 'POST', url: `${auth}/logout`, as }, 204, [{ ...self, action: 'user.sessions_ended' }]);
}
