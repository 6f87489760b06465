import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { temporaryFolder } from '../support/folders.ts';
import { leaveOut } from '../support/servers.ts';
import { deviceScenario } from './device.scenario.ts';
import { buildForEsp32, missingForEsp32 } from './esp32.build.ts';
import { lifeOfABoard } from './esp32.scenario.ts';

const missing = await missingForEsp32();

if (missing.length > 0) {
  leaveOut('examples/esp32', missing, `${missing.join(', ')} not here: npm run services:install`);
} else {
  const folder = temporaryFolder();
  const images = await buildForEsp32(folder.path);
  const image = await images.image('sketch');
  afterAll(() => folder.remove());

  test('examples/esp32: what knows nothing of Arduino', () => {
    const kept = join(folder.path, 'kept');
    mkdirSync(kept);
    const checks = execFileSync(images.unit, [kept], { encoding: 'utf8' }).trim().split('\n');
    expect(checks.length).toBeGreaterThan(100);
    expect(checks.filter((line) => !line.startsWith('ok '))).toEqual([]);
  });

  deviceScenario('examples/esp32', {
    command: [images.board, image],
    waiting(store) {
      const samples = join(store, 'littlefs/samples');
      if (!existsSync(samples)) return 0;
      // A file may go between the two calls.
      const lines = readdirSync(samples).map((name) => linesOf(join(samples, name)));
      return lines.reduce((sum, count) => sum + count, 0);
    },
  });

  lifeOfABoard(images, image);
}

function linesOf(file: string): number {
  try {
    return readFileSync(file, 'utf8').split('\n').length - 1;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
