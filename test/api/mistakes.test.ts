import { afterAll, beforeAll, expect, test } from 'vitest';
import { operationsOf } from '#test/support/openapi.ts';
import { createPeople, type People } from '#test/support/people.ts';
import { parseAnswer, rawClient } from '#test/support/raw-http.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';

/* What clients get wrong, at every address of the whole system: never an error of the server's, always a problem. */

let system: RunningSystem;
let people: People;
beforeAll(async () => {
  system = await startTestSystem();
  people = await createPeople(system);
});
afterAll(() => system.stop());

/** Written as it is: libraries put addresses right before they send them. */
async function ask(head: string, body = ''): Promise<{ status: number; type: string; text: string }> {
  const authorization = `Authorization: Bearer ${people.SUPERADMIN.token()}`;
  const length = body === '' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  const request = `${head}\r\nHost: x\r\n${authorization}\r\nConnection: close\r\n${length}\r\n${body}`;
  const client = await rawClient(system.system.http.port(), request);
  const answer = parseAnswer(await client.closed());
  return { status: answer.status, type: answer.headers['content-type'] ?? '', text: answer.body };
}

const paths = async () => [
  ...new Set(operationsOf(await system.system.http.app.apiDocument()).map(({ path }) => path)),
  ...['/', '/docs', '/docs/static/index.css', '/redoc', '/jobs', '/jobs/login', '/metrics', '/livez', '/nowhere'],
];

const MISTAKES: readonly (readonly [string, (path: string) => string])[] = [
  ['a method that nobody has', (path) => `QUERY ${path} HTTP/1.1`],
  ['a method of other protocols', (path) => `PROPFIND ${path} HTTP/1.1`],
  ['a way up', (path) => `GET ${path}/../../../etc/passwd HTTP/1.1`],
  ['an encoded way up', (path) => `GET ${path}/..%2f..%2fetc%2fpasswd HTTP/1.1`],
  ['a NUL', (path) => `GET ${path}/%00 HTTP/1.1`],
  ['half an escape', (path) => `GET ${path}/%zz?page=%zz HTTP/1.1`],
  ['bytes that are no UTF-8', (path) => `GET ${path}/%ff%fe HTTP/1.1`],
  ['a content type that is none', (path) => `POST ${path} HTTP/1.1\r\nContent-Type: ;;;`],
  ['two slashes', (path) => `GET /${path}// HTTP/1.1`],
];

test.each(MISTAKES)(
  '%s',
  async (_what, head) => {
    for (const path of await paths()) {
      const { status, type, text } = await ask(
        head(path.replaceAll(/\{\w+\}/g, '1')),
        head('/').startsWith('POST') ? '{}' : '',
      );
      expect(status, `${path}: ${text}`).toBeLessThan(500);
      if (status >= 400 && !path.startsWith('/jobs')) expect(type, path).toContain('application/problem+json');
    }
  },
  60_000,
);

test.each([
  ['many', JSON.stringify({ value: Array.from({ length: 131_000 }, () => 1) })],
  ['more', JSON.stringify({ value: Array.from({ length: 200_000 }, () => 1) })],
  ['deep', `{"value":${'['.repeat(60)}${']'.repeat(60)}}`],
])('a configuration value of %s items', async (_what, body) => {
  const answer = await ask('PUT /api/v1/system/configs/mistake HTTP/1.1\r\nContent-Type: application/json', body);
  expect([413, 422]).toContain(answer.status);
});
