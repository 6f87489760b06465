import { expect } from 'vitest';
import type { CommandDevice } from './command-device.ts';

/* What docs/commands.md says of every command, whatever happened to it. */

/** As the API shows it. */
export interface ShownCommand {
  readonly command_id: string;
  readonly deliver: string;
  readonly status: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly history: readonly { readonly status: string; readonly at: string }[];
}

export const FINAL = ['SUCCEEDED', 'FAILED', 'EXPIRED', 'CANCELLED', 'REJECTED', 'SUPERSEDED'];

/** The diagram. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  QUEUED: ['SENT', 'DELIVERED', 'IN_PROGRESS', ...FINAL],
  SENT: ['DELIVERED', 'IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'EXPIRED', 'CANCELLED', 'SUPERSEDED'],
  DELIVERED: ['IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'EXPIRED', 'CANCELLED', 'SUPERSEDED'],
  IN_PROGRESS: ['SUCCEEDED', 'FAILED', 'EXPIRED', 'CANCELLED'],
};

/** It ended once, and its history is a way through the diagram. */
export function expectLawful({
  status,
  history,
  command_id,
}: Pick<ShownCommand, 'status' | 'history' | 'command_id'>): void {
  const states = history.map((each) => each.status);
  const told = `${command_id}: ${states.join(' → ')}`;
  expect([states[0], states.at(-1), status], told).toEqual(['QUEUED', status, status]);
  expect(FINAL, told).toContain(status);
  for (const [index, state] of states.slice(1).entries())
    expect(ARROWS[states[index] as string] ?? [], told).toContain(state);
  const times = history.map(({ at }) => Date.parse(at));
  expect(times, told).toEqual(times.toSorted((a, b) => a - b));
}

/** What the API was told to have done, by the id of the command: each is true for ever. */
export type Told = ReadonlyMap<string, string>;

/**
 * @param made ids that a creation answered, in their order
 * @param told final states that a request was answered with
 * @param answersCount whether a PUBACK means that the answer is stored (no broker is in between)
 */
export function expectNothingLostOrDoubled(
  commands: readonly ShownCommand[],
  device: CommandDevice,
  {
    made,
    told,
    answersCount,
  }: { readonly made: readonly string[]; readonly told: Told; readonly answersCount: boolean },
): void {
  const ids = commands.map(({ command_id }) => command_id);
  expect(ids).toEqual(made);
  expect(device.received.filter((id) => !ids.includes(id))).toEqual([]);
  // What is queued is sent in the order of creation. It may come in another: what a line that was cut has lost comes again.
  const sentAt = commands.flatMap(({ history }) => history.filter(({ status }) => status === 'SENT'));
  const times = sentAt.map(({ at }) => Date.parse(at));
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  for (const command of commands) {
    const { command_id, status, expires_at } = command;
    expectLawful(command);
    if (told.has(command_id)) expect(status).toBe(told.get(command_id));
    const answer = device.answers.get(command_id);
    if (['SUCCEEDED', 'FAILED'].includes(status)) {
      expect(answer?.status).toBe(status === 'SUCCEEDED' ? 'success' : 'error');
    }
    const isInTime = answersCount && (answer?.acknowledgedAt ?? Number.POSITIVE_INFINITY) < Date.parse(expires_at);
    if (isInTime) expect(['SUCCEEDED', 'FAILED', 'CANCELLED', 'SUPERSEDED']).toContain(status);
  }
}
