import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { leaveOut } from '../support/servers.ts';
import { deviceScenario } from './device.scenario.ts';
import { provisionScenario } from './provision.scenario.ts';
import { PYTHON } from './python.ts';

const PROGRAM = join(import.meta.dirname, '../../examples/python/device.py');

if (!existsSync(PYTHON)) {
  const what = 'no python3 with paho-mqtt: set TEST_PYTHON, or npm run services:install';
  leaveOut('examples/python', ['python3 with paho-mqtt'], what);
} else {
  provisionScenario();
  deviceScenario('examples/python', {
    command: [PYTHON, PROGRAM],
    waiting(store) {
      if (!existsSync(store)) return 0;
      const db = new DatabaseSync(store, { readOnly: true });
      try {
        const row = db.prepare("SELECT count(*) AS n FROM outbox WHERE channel = 'telemetry'").get();
        return Number(row?.['n']);
      } finally {
        db.close();
      }
    },
  });
}
