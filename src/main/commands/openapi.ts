import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { silentLogger } from '#kernel/logger.ts';
import { CHANNELS } from '../channels.ts';
import { composeSystem } from '../compose.ts';
import { renderErrorsDocument, renderSettingsDocument, withLines, withModules } from '../documents.ts';
import { renderEnvExample, type Settings } from '../settings.ts';
import { StartError } from '../start-error.ts';
import { type Command, print } from './command.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** The files that are made from the code, by path from the root of the project. */
export async function generatedFiles(settings: Settings): Promise<Readonly<Record<string, string>>> {
  const { http, asyncApi, modules } = await composeSystem(settings, silentLogger);
  const toText = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  return {
    'openapi/openapi.json': toText(await http.app.apiDocument()),
    'openapi/asyncapi.json': toText(asyncApi),
    '.env.example': renderEnvExample(),
    'docs/settings.md': renderSettingsDocument(),
    'docs/errors.md': await renderErrorsDocument(),
    'docs/tour.md': withLines(textOf('docs/tour.md'), (path) => textOf(join('docs', path))),
    'docs/architecture.md': withModules(textOf('docs/architecture.md'), modules, CHANNELS),
  };
}

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

export const openapi: Command = {
  usage: '[--check]',
  summary:
    'Writes what is made from the code: API documents, .env.example and tables and links in docs; --check only compares.',
  async run(args, settings) {
    const stale: string[] = [];
    for (const [path, text] of Object.entries(await generatedFiles(settings))) {
      const file = join(ROOT, path);
      if (args.includes('--check')) {
        if (!existsSync(file) || readFileSync(file, 'utf8') !== text) stale.push(path);
        continue;
      }
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      print(path);
    }
    if (stale.length > 0)
      throw new StartError(`stale: ${stale.join(', ')}; run npm run core -- openapi and commit the result`);
  },
};
