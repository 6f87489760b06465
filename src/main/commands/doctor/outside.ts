import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MIGRATIONS } from '../../migrations.ts';
import { inspectionsOf } from '../../profiles/inspection.ts';
import { createRelationalStore } from '../../profiles/relational.ts';
import type { Settings } from '../../settings.ts';
import { sqlMoveNotes } from '../../unfinished-move.ts';
import { type Check, doubtful, type Finding, fine, wrong } from './finding.ts';

const NAMES: Readonly<Record<string, string>> = { DOCUMENTS_URL: 'documents', REDIS_URL: 'redis', MQTT_URL: 'broker' };
const DEADLINE_MS = 15_000;

/** The relational store, its schema, and whatever else is outside the process. */
export function outsideChecks(settings: Settings): readonly Check[] {
  return [
    ['relational', () => checkRelational(settings)],
    ...inspectionsOf(settings).map(({ setting, look }): Check => {
      const check = async () => {
        const { what, problems } = await look();
        if (problems.length === 0) return fine(what);
        const detail = `${what}: ${problems.join('; ')}`;
        // What the broker does not allow stops the start; the others serve.
        return setting === 'MQTT_URL' ? wrong(detail) : doubtful(detail);
      };
      return [NAMES[setting] ?? setting, check];
    }),
  ];
}

/** Changes nothing: bringing the schema up to date is for `migrate` and the start. */
async function checkRelational(settings: Settings): Promise<Finding> {
  const file = join(settings.DATA_DIR, 'core.db');
  if (settings.DATABASE_URL === null && !existsSync(file)) return fine(`the first start makes ${file}`);
  const sql = await createRelationalStore(settings, MIGRATIONS);
  const signal = AbortSignal.timeout(DEADLINE_MS);
  await sql.start?.(signal);
  try {
    const version = await sql.version();
    if ((await sqlMoveNotes(sql).read())?.role === 'target') {
      return wrong(`${version}: a move into it was not finished; run npm run core -- move again before a start`);
    }
    const pending = await sql.pending();
    if (pending.length === 0) return fine(`${version}, schema up to date`);
    return fine(`${version}, the next start brings the schema up to date (${pending.length} migrations)`);
  } finally {
    await sql.stop?.(signal);
  }
}
