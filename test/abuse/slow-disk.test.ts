import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFaultyDisk, describeFaultyDisk, type FaultyDisk } from '../support/faulty-disk.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type AttackedServer, startAttackedServer } from './attacked-server.ts';

const SYNC_MS = 2_000;

describeFaultyDisk('a disk that takes two seconds to keep something', () => {
  const folder = temporaryFolder();
  let disk: FaultyDisk;
  let attacked: AttackedServer;
  beforeAll(async () => {
    disk = createFaultyDisk(folder.path);
    attacked = await startAttackedServer({ DATA_DIR: folder.path, ...disk.env });
  });
  afterAll(async () => {
    disk.behave({});
    await attacked.stop();
    disk.remove();
    folder.remove();
  });

  test('holds up those who store, and nobody else', async () => {
    const { api } = attacked;
    const took: number[] = [];
    disk.behave({ syncDelayMs: SYNC_MS });
    const strain = await attacked.strainOf(async () => {
      for (const name of ['first', 'second']) {
        const begunAt = performance.now();
        await api.call('POST', '/api/v1/device-groups', { name });
        took.push(performance.now() - begunAt);
        // A job is kept in a file of its own.
        await api.call('POST', '/api/v1/system/jobs/cleanup_expired_tokens/run');
        await api.call('GET', '/api/v1/device-groups');
      }
    });
    // The disk was as slow as it was meant to be: a commit waits for it once or more.
    expect(Math.min(...took)).toBeGreaterThanOrEqual(SYNC_MS);
    expect(strain.slowestMs).toBeLessThan(Math.min(SYNC_MS / 2, 25 * strain.quietMs));
  });
});
