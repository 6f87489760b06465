import { expect } from 'vitest';
import type { People } from '#test/support/people.ts';
import type { Call } from './scenario.alerts.ts';

/** What the web console asks for that nothing else does. */
export async function walkThroughConsole(call: Call, people: People): Promise<void> {
  const page: string = await call(200, 'GET /admin');
  expect(await call(200, 'GET /admin/devices/1')).toContain('<div id="root">');
  // Of files the page names those that there are.
  for (const [, path] of page.matchAll(/(?:src|href)="[^"]*(\/admin\/[^"]+)"/g)) await call(200, `GET ${path}`);
  const as = people.MANAGER.token();
  expect(await call(200, 'GET /api/v1/ingest/ledger', { as })).toMatchObject({ received: expect.any(Number) });
  await call(204, 'POST /jobs/enter', { as: people.ADMIN.token() });
}
