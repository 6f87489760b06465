import { createHash } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestAuth, type TestAuth } from '#test/support/auth.ts';

let app: TestAuth;
beforeEach(async () => {
  app = await createTestAuth({});
});
afterEach(() => app.close());

const page = (path: string, language = 'en') =>
  app.request({ url: `/auth${path}`, headers: { 'accept-language': language } });
const between = (text: string, tag: string) => new RegExp(`<${tag}>([\\s\\S]*)</${tag}>`).exec(text)?.[1] ?? '';
const sha256 = (text: string) => createHash('sha256').update(text).digest('base64');

/** Opens a page as far as its script sees one, fills the form and submits it. */
async function submit(html: string, hash: string, password: string | null, answer: Partial<Response> | Error) {
  const dataset = Object.fromEntries(
    [...html.matchAll(/data-(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
  const shown = { textContent: '' };
  const requests: (readonly [url: string, init: RequestInit])[] = [];
  let onSubmit: ((event: object) => Promise<void>) | undefined;
  const form = {
    dataset,
    hidden: false,
    elements: password === null ? {} : { password: { value: password } },
    addEventListener: (_: string, handler: typeof onSubmit) => {
      onSubmit = handler;
    },
  };
  runInNewContext(between(html, 'script'), {
    URLSearchParams,
    location: { hash },
    document: { querySelector: (selector: string) => (selector === 'form' ? form : shown) },
    fetch: async (url: string, init: RequestInit) => {
      requests.push([url, init]);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  expect(requests).toEqual([]);
  await onSubmit?.({ preventDefault: () => {} });
  const [[url, init] = ['', {}]] = requests;
  return { url, body: JSON.parse(String(init.body)), shown: shown.textContent, hidden: form.hidden };
}

describe.each([
  ['/verify-email', null, '/api/v1/auth/verify-email', { token: 'abc-_' }],
  ['/reset-password', 'battery', '/api/v1/auth/password/reset', { token: 'abc-_', new_password: 'battery' }],
] as const)('%s', (path, password, endpoint, body) => {
  test('sends the token of the fragment, at the click and not before', async () => {
    const { text } = await page(path);
    const sent = await submit(text, '#token=abc-_', password, { ok: true, status: 202 });
    expect(new URL(sent.url, `https://iot.example.com/core/auth${path}`).pathname).toBe(`/core${endpoint}`);
    expect(sent).toMatchObject({ body, hidden: true, shown: expect.stringMatching(/confirmed|changed/) });
  });

  test.each([
    [{ ok: false, status: 422 }, /used already/],
    [{ ok: false, status: 503 }, /try again/],
    [new Error('offline'), /try again/],
  ] as const)('says what went wrong: %o', async (answer, words) => {
    const { text } = await page(path);
    const { shown, hidden } = await submit(text, '', password, answer);
    expect(shown).toMatch(words);
    expect(hidden).toBe(false);
  });

  test('loads nothing, runs nothing else, and cannot be framed', async () => {
    const { status, headers, text } = await page(path);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
    const policy = headers['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain(`script-src 'sha256-${sha256(between(text, 'script'))}'`);
    expect(policy).toContain(`style-src 'sha256-${sha256(between(text, 'style'))}'`);
    expect(policy).not.toMatch(/unsafe|\*/);
  });

  test('in Korean for whoever prefers it', async () => {
    const { text } = await page(path, 'ko-KR,ko;q=0.9');
    expect(text).toContain('<html lang="ko">');
    expect(text).toMatch(/<h1>[^<]*[가-힣]/);
  });
});
