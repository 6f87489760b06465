import { globSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AppError, commonErrors, type ErrorKind, isAppError } from '#kernel/errors.ts';
import type { Channel } from '#platform/channels/channel.port.ts';
import { statusOf } from '#platform/http/problem.ts';
import type { ModuleParts } from '#platform/module/module.port.ts';
import { SETTINGS } from './settings.ts';

const LINK = /\[`([^`]+)`\]\((\.\.\/[\w./-]+\.ts)(?:#L\d+)?\)/g;

/**
 * A document whose links to code, [`text`](../src/file.ts#L1), lead to the first line that has the text in it.
 * @param read the text of a file by its path in the link
 * @throws Error when a file has no such line
 */
export function withLines(document: string, read: (path: string) => string): string {
  return document.replace(LINK, (_, text: string, path: string) => {
    const line = read(path)
      .split('\n')
      .findIndex((each) => each.includes(text));
    if (line < 0) throw new Error(`${path} has no line with ${text}`);
    return `[\`${text}\`](${path}#L${line + 1})`;
  });
}

const BEGIN = '<!-- modules: written by npm run core -- openapi -->';
const END = '<!-- /modules -->';

/**
 * The table of what the modules bring, put into a document between its marks.
 * @throws Error when the document has no marks
 */
export function withModules(document: string, modules: readonly ModuleParts[], channels: readonly Channel[]): string {
  const from = document.indexOf(BEGIN);
  const to = document.indexOf(END);
  if (from < 0 || to < from) throw new Error(`no ${BEGIN} … ${END} in the document`);
  return `${document.slice(0, from + BEGIN.length)}\n\n${render(modules, channels)}\n${document.slice(to)}`;
}

function render(modules: readonly ModuleParts[], channels: readonly Channel[]): string {
  const rows = modules.map((parts) => `| \`${parts.name}\` | ${cells(parts).join(' | ')} |`);
  return [
    '| module | devices send, committed with it | told after a commit | live events | jobs | relayed events |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    `Channels beside \`telemetry\`: ${listOf(channels.map(({ name }) => name))}.`,
    '',
  ].join('\n');
}

function cells({ sinks = [], documents, commitListeners = [], live, jobs = [], relayedEvents = [] }: ModuleParts) {
  const taken = [
    ...sinks.map(({ channel }) => channel.name),
    ...(documents === undefined ? [] : [documents.channel.name]),
  ];
  return [
    listOf(taken),
    commitListeners.map(({ name }) => name).join(', '),
    listOf(live?.events.map(({ name }) => name) ?? []),
    listOf(jobs.map(({ name }) => name)),
    listOf(relayedEvents),
  ];
}

function listOf(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

/** docs/settings.md: every setting with its default, what it means and what is accepted. */
export function renderSettingsDocument(): string {
  return [
    '# Settings',
    '',
    'Written from the code by `npm run core -- openapi`. From the environment or a file `.env` in the folder of the project;',
    'the environment wins. The start checks all of them and lists every value that is not valid. Sign-in at providers has',
    'settings of its own, `OAUTH_<NAME>_…`: [sign-in.md](sign-in.md). What limits do: [limits.md](limits.md).',
    '',
    '| name | default | meaning | accepted |',
    '| --- | --- | --- | --- |',
    ...Object.entries(SETTINGS).map(
      ([name, { shown, description, accepted }]) =>
        `| \`${name}\` | ${shown === '' ? 'unset' : `\`${shown}\``} | ${cell(description)} | ${cell(accepted)} |`,
    ),
    '',
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

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
