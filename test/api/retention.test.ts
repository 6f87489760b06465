import { expect, test } from 'vitest';
import { loadConfig } from '#main/config.ts';
import { composeTestSystem } from '#test/support/system.ts';

const DAY = 86_400_000;

/** What a collection says of its documents, each store keeps: see `documents.contract.ts`. */
test.each([
  ['SQLite', {}],
  ['MongoDB', { DOCUMENTS_URL: 'mongodb://127.0.0.1:1/core_api' }],
])('notifications and stored analyses are kept as long as is set: %s', async (_, env) => {
  const { system } = await composeTestSystem(loadConfig({ RECORD_RETENTION_DAYS: '7', ...env }));
  const kept = Object.fromEntries(system.collections.map(({ name, expiry }) => [name, expiry]));
  expect(kept).toMatchObject({
    analytics_results: { field: 'created_at', afterMs: 7 * DAY },
    notifications: { field: 'created_at', afterMs: 7 * DAY },
    // Not a matter of that setting.
    device_logs: { field: 'timestamp', afterMs: 90 * DAY },
  });
});
