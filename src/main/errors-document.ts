import { globSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AppError, commonErrors, type ErrorKind, isAppError } from '#kernel/errors.ts';
import { statusOf } from '#platform/http/problem.ts';

const SOURCE = join(import.meta.dirname, '..');

const MEANING_BY_KIND: Readonly<Record<ErrorKind, string>> = {
  invalid: 'the request is wrong as it stands; sending it again changes nothing',
  unauthenticated: 'who is asking is not known: sign in, or refresh the token',
  forbidden: 'who is asking is known and may not do this',
  not_found: 'it is not there, or not for you',
  conflict: 'it contradicts what is there',
  limited: 'too much in too short a time; `Retry-After` says when to try again, where that is known',
  unavailable: 'nothing wrong with the request; try again later',
};

/** The text of `docs/errors.md`: every error that any part of the source declares. */
export async function renderErrorsDocument(): Promise<string> {
  const parts = [{ title: 'Everywhere', errors: errorsIn({ commonErrors }) }, ...(await declaredErrors())];
  return [
    '# Errors',
    '',
    'Made from the code by `npm run core -- openapi`; do not edit.',
    '',
    'HTTP answers with problem details (RFC 9457, `application/problem+json`), a Socket.IO command with',
    '`{ok: false, code, detail}`. `code` is stable: programs may decide by it. `detail` is for people and may change; it can',
    'say more than the meaning below. Why a device’s message was rejected is a list of its own: see [mqtt.md](mqtt.md).',
    '',
    '| kind | |',
    '|---|---|',
    ...Object.entries(MEANING_BY_KIND).map(([kind, meaning]) => `| ${kind} | ${meaning} |`),
    ...parts.flatMap(({ title, errors }) => [
      '',
      `## ${title}`,
      '',
      '| code | kind | HTTP status | meaning |',
      '|---|---|---|---|',
      ...errors.map((error) => `| \`${error.code}\` | ${error.kind} | ${statusOf(error)} | ${error.message} |`),
    ]),
    '',
  ].join('\n');
}

/** What every `*.errors.ts` exports. Found by name, so that none can be forgotten. */
async function declaredErrors(): Promise<readonly { title: string; errors: readonly AppError[] }[]> {
  const files = globSync('{platform,modules}/**/*.errors.ts', { cwd: SOURCE }).sort();
  return await Promise.all(
    files.map(async (file) => ({
      title: titleOf(file),
      errors: errorsIn(await import(pathToFileURL(join(SOURCE, file)).href)),
    })),
  );
}

/** `modules/devices/devices.errors.ts` → `Devices` */
function titleOf(file: string): string {
  const name = /([^/\\]+)\.errors\.ts$/.exec(file)?.[1] ?? file;
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function errorsIn(exports: Readonly<Record<string, unknown>>): readonly AppError[] {
  const factories = Object.values(exports).flatMap((catalogue) => Object.values(catalogue as object));
  return factories
    .map((factory: unknown) => (typeof factory === 'function' ? factory() : undefined))
    .filter(isAppError);
}
