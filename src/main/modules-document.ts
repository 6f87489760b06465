import type { Channel } from '#platform/channels/channel.port.ts';
import type { ModuleParts } from '#platform/module/module.port.ts';

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
