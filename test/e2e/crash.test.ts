import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from 'vitest';
import { signInAsSuperuser } from '../support/api-client.ts';
import { type Flood, startFlood } from '../support/flood.ts';
import { expectNothingLost, registerDevices } from '../support/flood-proof.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';

const CONNECTIONS = 100;

describe('under a flood of QoS 1 messages from 100 connections', () => {
  const folder = temporaryFolder();
  let server: ServerProcess | undefined;
  let flood: Flood | undefined;
  afterEach(async () => {
    flood?.close();
    await server?.end('SIGKILL');
    folder.remove();
  });

  test('a SIGKILL loses nothing that was acknowledged, and the ledger adds up', async () => {
    server = await startServer({ DATA_DIR: folder.path });
    const api = await signInAsSuperuser(server, { DATA_DIR: folder.path });
    const devices = await registerDevices(api, CONNECTIONS);
    flood = await startFlood(server.mqttUrl, devices, { window: 20 });
    const running = flood;
    await expect.poll(() => running.acknowledgedCount(), { timeout: 60_000 }).toBeGreaterThan(20_000);
    await server.end('SIGKILL');
    const acknowledged = running.acknowledgedCount();
    running.close();

    server = await startServer({ DATA_DIR: folder.path });
    const again = await signInAsSuperuser(server, { DATA_DIR: folder.path });
    const stored = await expectNothingLost(again, devices, running);
    expect(stored).toBeGreaterThanOrEqual(acknowledged);
    process.stdout.write(`SIGKILL: ${acknowledged} acknowledged, ${stored} stored, each once\n`);
  });
});

describe('a store that blocks for 5 s under a flood', () => {
  const folder = temporaryFolder();
  let server: ServerProcess | undefined;
  let flood: Flood | undefined;
  afterEach(async () => {
    flood?.close();
    await server?.end('SIGKILL');
    folder.remove();
  });

  test('nothing acknowledged is lost, memory stays bounded, and the flood goes on', async () => {
    server = await startServer({ DATA_DIR: folder.path });
    const api = await signInAsSuperuser(server, { DATA_DIR: folder.path });
    const devices = await registerDevices(api, CONNECTIONS);
    flood = await startFlood(server.mqttUrl, devices, { window: 1_000 });
    const running = flood;
    await expect.poll(() => running.acknowledgedCount(), { timeout: 60_000 }).toBeGreaterThan(10_000);

    // Another process that holds SQLite's write lock is what a store that hangs looks like.
    const before = residentMegabytes(server);
    const other = new DatabaseSync(join(folder.path, 'telemetry.db'), { timeout: 10_000 });
    other.exec('BEGIN IMMEDIATE');
    let peak = before;
    const releaseAt = Date.now() + 5_000;
    let afterGrace: number | undefined;
    let duringBlock = 0;
    while (Date.now() < releaseAt) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      peak = Math.max(peak, residentMegabytes(server));
      duringBlock = running.acknowledgedCount();
      if (Date.now() > releaseAt - 4_000) afterGrace ??= duringBlock;
    }
    // What was committed just before the lock was still on its way to the clients; after that, nothing.
    expect(duringBlock).toBe(afterGrace);
    const readyz = await fetch(`${server.httpUrl}/readyz`);
    expect(readyz.status).toBe(503);
    expect(await readyz.json()).toMatchObject({ checks: { telemetry: 'away', sql: 'ok' } });
    other.exec('ROLLBACK');
    other.close();

    await expect.poll(() => running.acknowledgedCount(), { timeout: 60_000 }).toBeGreaterThan(duringBlock + 20_000);
    const { httpUrl } = server;
    await expect.poll(async () => (await fetch(`${httpUrl}/readyz`)).status, { timeout: 30_000 }).toBe(200);
    running.stop();
    await running.settled();
    const acknowledged = running.acknowledgedCount();
    const stored = await expectNothingLost(api, devices, running);
    expect(stored).toBe(acknowledged);
    process.stdout.write(
      `5 s stall: ${acknowledged} acknowledged, ${stored} stored; resident ${before} MB before, ${peak} MB at its peak\n`,
    );
    // 100 connections with 1,000 messages of 60 bytes each: far below this, however long the stall.
    expect(peak - before).toBeLessThan(300);
  });
});

function residentMegabytes(server: ServerProcess): number {
  return Math.round(server.residentBytes() / 1024 ** 2);
}
