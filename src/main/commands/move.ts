import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '#kernel/clock.ts';
import type { Component } from '#kernel/lifecycle.ts';
import { silentLogger } from '#kernel/logger.ts';
import { composeSystem } from '../compose.ts';
import { createDataLock } from '../data-lock.ts';
import { MIGRATIONS } from '../migrations.ts';
import { createRelationalStore } from '../profiles/relational.ts';
import { createStores } from '../profiles/stores.ts';
import type { Settings } from '../settings.ts';
import { StartError } from '../start-error.ts';
import { type Command, print, UsageError } from './command.ts';
import { moveBlobs } from './move/blobs.ts';
import type { Comparison } from './move/checksum.ts';
import { declareEnd, finishDocuments, moveDocuments } from './move/documents.ts';
import { createProgress } from './move/progress.ts';
import { finishRelational, moveRelational } from './move/relational.ts';

const DIRECTIONS = ['production', 'embedded'] as const;
type Direction = (typeof DIRECTIONS)[number];

const START_DEADLINE_MS = 120_000;
const STOP_DEADLINE_MS = 10_000;

interface Route {
  readonly to: Direction;
  readonly source: Settings;
  readonly target: Settings;
}

type PartSetting = 'DATABASE_URL' | 'DOCUMENTS_URL';

export const move: Command = {
  usage: '--to production | --to embedded',
  summary: [
    'Copies an installation: from the files in DATA_DIR into the stores of DATABASE_URL and DOCUMENTS_URL, or back.',
    '      Only the parts whose setting is given are copied. No server may be running, on either side. The target must',
    '      be empty. Run it again after an interruption: it goes on where it stopped. At the end both sides are',
    '      compared, and the exit code is 1 if anything differs. The source stays as it is.',
  ].join('\n'),
  async run(args, settings) {
    const { values } = parseArgs({ args: [...args], options: { to: { type: 'string' } } });
    const to = DIRECTIONS.find((direction) => direction === values.to);
    if (to === undefined) throw new UsageError('Say where to: --to production or --to embedded.');
    const parts = [settings.DATABASE_URL, settings.DOCUMENTS_URL];
    if (parts.every((url) => url === null)) {
      throw new StartError('There is nothing to move: set DATABASE_URL, DOCUMENTS_URL or both.');
    }
    const route = routeOf(to, settings);
    const moving = [
      ...(settings.DATABASE_URL === null ? [] : [await relationalPart(route)]),
      ...(settings.DOCUMENTS_URL === null ? [] : [await documentPart(route)]),
    ];
    const components = [createDataLock(settings.DATA_DIR), ...moving.flatMap((part) => part.components)];
    const compared = await running(components, async () => {
      let comparisons = 0;
      for (const part of moving) comparisons += await part.move();
      // Not before all of it is there: a part that was forgotten would be refused by the next run.
      for (const part of moving) await part.finish();
      return comparisons;
    });
    print('', `Moved: ${compared} comparisons, all equal.`, ...nextSteps(route, settings));
  },
};

/** What moves as one: the tables, or documents with telemetry. */
interface Part {
  readonly components: readonly Component[];
  /** @returns how many comparisons were made @throws StartError when one of them differs */
  move(): Promise<number>;
  finish(): Promise<void>;
}

function routeOf(to: Direction, settings: Settings): Route {
  const inFiles = { ...settings, DATABASE_URL: null, DOCUMENTS_URL: null };
  return to === 'production' ? { to, source: inFiles, target: settings } : { to, source: settings, target: inFiles };
}

const storeOf = (setting: PartSetting) => (setting === 'DATABASE_URL' ? 'database' : 'document store');
const fileOf = ({ DATA_DIR }: Settings, setting: PartSetting) =>
  join(DATA_DIR, setting === 'DATABASE_URL' ? 'core.db' : 'telemetry.db');

async function relationalPart(route: Route): Promise<Part> {
  const [sourceName, targetName] = namesOf(route, 'DATABASE_URL');
  const source = await createRelationalStore(route.source, MIGRATIONS);
  const target = await createRelationalStore(route.target, MIGRATIONS);
  return {
    components: [source, target],
    async move() {
      await source.migrate();
      await target.migrate();
      const progress = createProgress();
      const stores = { source, target, sourceName, targetName };
      const comparisons = await moveRelational({ ...stores, migrations: MIGRATIONS, progress });
      refuseDifferences(comparisons, targetName);
      return comparisons.length;
    },
    finish: () => finishRelational({ source, target }),
  };
}

async function documentPart(route: Route): Promise<Part> {
  const [sourceName, targetName] = namesOf(route, 'DOCUMENTS_URL');
  // The modules declare their collections; composed with nothing outside, and never started.
  const nowhere = {
    ...route.source,
    DATABASE_URL: null,
    DOCUMENTS_URL: null,
    REDIS_URL: null,
    MQTT_URL: null,
    NOTIFICATIONS_URL: null,
    OTEL_EXPORTER_OTLP_ENDPOINT: null,
  };
  const { collections } = await composeSystem(nowhere, silentLogger);
  const sourceStores = await createStores(route.source, systemClock, silentLogger);
  const targetStores = await createStores(route.target, systemClock, silentLogger);
  const source = declareEnd(sourceStores, collections);
  const target = declareEnd(targetStores, collections);
  return {
    components: [...sourceStores.components, ...targetStores.components],
    async move() {
      const ends = { source, target, sourceName, targetName };
      const comparisons = [
        ...(await moveDocuments({ ...ends, now: systemClock.now, progress: createProgress() })),
        await moveBlobs(sourceStores.blobs, targetStores.blobs),
      ];
      refuseDifferences(comparisons, targetName);
      return comparisons.length;
    },
    finish: () => finishDocuments({ source, target }),
  };
}

/** How messages call source and target of a part. @throws StartError when the source is a file that is not there */
function namesOf({ source, target }: Route, setting: PartSetting): readonly [string, string] {
  const file = fileOf(source, setting);
  // Opening it would make an empty one.
  if (source[setting] === null && !existsSync(file)) throw new StartError(`There is no ${file} to move.`);
  const name = (side: Settings) => (side[setting] === null ? file : `the ${storeOf(setting)} of ${setting}`);
  return [name(source), name(target)];
}

function refuseDifferences(comparisons: readonly Comparison[], targetName: string): void {
  const different = comparisons.filter(({ source, target }) => source !== target);
  for (const { what, source, target } of comparisons) {
    if (source === target) print(`equal  ${what}: ${source}`);
    else print(`DIFFERENT  ${what}`, `  source  ${source}`, `  target  ${target}`);
  }
  if (different.length === 0) return;
  throw new StartError(
    `${different.length} of ${comparisons.length} comparisons differ: something wrote to one of the two sides. Stop every server, empty the target and move again. Do not use ${targetName} as it is.`,
  );
}

function nextSteps({ to }: Route, { DATA_DIR, DATABASE_URL, DOCUMENTS_URL }: Settings): readonly string[] {
  const names = [
    ...(DATABASE_URL === null ? [] : ['DATABASE_URL']),
    ...(DOCUMENTS_URL === null ? [] : ['DOCUMENTS_URL']),
  ];
  const keys = `The keys in ${join(DATA_DIR, 'keys')} were not moved: they stay in DATA_DIR with every setting.`;
  return to === 'production'
    ? [
        `Start the server with ${names.join(' and ')}. The files in ${DATA_DIR} are as they were; delete them later.`,
        keys,
      ]
    : [`Start the server without ${names.join(' and ')}. The stores outside are as they were.`, keys];
}

/** Starts components in order, does the work, and stops them in reverse, whatever happened. */
async function running<T>(components: readonly Component[], work: () => Promise<T>): Promise<T> {
  const started: Component[] = [];
  try {
    for (const component of components) {
      started.push(component);
      await component.start?.(AbortSignal.timeout(START_DEADLINE_MS));
    }
    return await work();
  } finally {
    for (const component of started.toReversed()) await component.stop?.(AbortSignal.timeout(STOP_DEADLINE_MS));
  }
}
