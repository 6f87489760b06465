import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '#kernel/logger.ts';
import { createLocalRelay, type LocalMedium } from '#platform/relay/local-relay.ts';
import type { EventRelay, RelayMessage } from '#platform/relay/relay.port.ts';
import { createRoomDirectory, type RoomDirectory } from './room-directory.ts';

const NS = '/monitoring';
const timing = { beatMs: 40, graceMs: 500 };
const soon = () => AbortSignal.timeout(1_000);

interface Process {
  readonly relay: EventRelay;
  readonly rooms: RoomDirectory;
  /** What reaches the directory may be thinned. */
  lets: (message: RelayMessage) => boolean;
  /** Says nothing more, as when it was killed. */
  dead: boolean;
  gap(): void;
}

describe('room directory', () => {
  let medium: LocalMedium;
  let processes: Process[];
  beforeEach(() => {
    medium = new Set();
    processes = [];
  });
  afterEach(async () => {
    for (const { rooms } of processes) await rooms.stop();
  });

  async function join(): Promise<Process> {
    const relay = createLocalRelay({ logger: silentLogger, medium });
    let gap = () => {};
    const thinned: EventRelay = {
      ...relay,
      publish: async (message) => (process.dead ? undefined : relay.publish(message)),
      onMessage: (handler) => relay.onMessage((message) => process.lets(message) && handler(message)),
      onGap(handler) {
        gap = handler;
        return () => {};
      },
    };
    const process: Process = {
      relay,
      rooms: createRoomDirectory(thinned, timing),
      lets: () => true,
      dead: false,
      gap: () => gap(),
    };
    processes.push(process);
    await relay.start?.(soon());
    process.rooms.start();
    return process;
  }

  const isOpen = (process: Process, room: string) => process.rooms.mayBeOpenElsewhere(NS, room);
  const kindOf = ({ data }: RelayMessage) => (data as { kind: string }).kind;

  test('alone, no room is open elsewhere, also not those of its own', async () => {
    const one = await join();
    await expect.poll(() => isOpen(one, 'a')).toBe(false);
    one.rooms.opened(NS, 'a');
    await one.rooms.announced();
    expect(isOpen(one, 'a')).toBe(false);
  });

  test('rooms that open and close are known elsewhere, in their namespace', async () => {
    const [one, two, three] = [await join(), await join(), await join()];
    await expect.poll(() => isOpen(one, 'a')).toBe(false);
    two.rooms.opened(NS, 'a');
    three.rooms.opened(NS, 'a');
    three.rooms.opened(NS, '__proto__');
    await Promise.all([two.rooms.announced(), three.rooms.announced()]);
    await expect.poll(() => [isOpen(one, 'a'), isOpen(one, '__proto__')]).toEqual([true, true]);
    expect(one.rooms.mayBeOpenElsewhere('/device', 'a')).toBe(false);
    expect(isOpen(three, '__proto__')).toBe(false);
    two.rooms.closed(NS, 'a');
    three.rooms.closed(NS, '__proto__');
    await expect.poll(() => isOpen(one, '__proto__')).toBe(false);
    expect(isOpen(one, 'a')).toBe(true);
    three.rooms.closed(NS, 'a');
    await expect.poll(() => isOpen(one, 'a')).toBe(false);
  });

  test('one that comes later asks; until it knows, every room may be open', async () => {
    const one = await join();
    one.rooms.opened(NS, 'a');
    const two = await join();
    expect(isOpen(two, 'b')).toBe(true);
    await expect.poll(() => isOpen(two, 'b')).toBe(false);
    expect(isOpen(two, 'a')).toBe(true);
  });

  test('rooms of one that stops, or dies, are closed', async () => {
    const [one, two, three] = [await join(), await join(), await join()];
    two.rooms.opened(NS, 'a');
    three.rooms.opened(NS, 'b');
    const open = () => ['a', 'b', 'c'].map((room) => isOpen(one, room));
    await expect.poll(open).toEqual([true, true, false]);
    await two.rooms.stop();
    await expect.poll(() => isOpen(one, 'a')).toBe(false);
    three.dead = true;
    await expect.poll(() => isOpen(one, 'b'), { timeout: 5_000 }).toBe(false);
  });

  test('a change that was missed is noticed with the next word', async () => {
    const [one, two] = [await join(), await join()];
    await expect.poll(() => isOpen(one, 'a')).toBe(false);
    one.lets = (message) => kindOf(message) !== 'change';
    two.rooms.opened(NS, 'a');
    await two.rooms.announced();
    await expect.poll(() => isOpen(one, 'a')).toBe(true);
    one.lets = () => true;
    await expect.poll(() => isOpen(one, 'b')).toBe(false);
    expect(isOpen(one, 'a')).toBe(true);
  });

  test('after a gap every room may be open until all have answered, or have had the time to', async () => {
    const [one, two] = [await join(), await join()];
    await expect.poll(() => isOpen(one, 'a')).toBe(false);
    one.gap();
    expect(isOpen(one, 'a')).toBe(true);
    await expect.poll(() => isOpen(one, 'a')).toBe(false);
    one.lets = () => false;
    one.gap();
    expect(isOpen(one, 'a')).toBe(true);
    await expect.poll(() => isOpen(one, 'a'), { timeout: 5_000 }).toBe(false);
    expect(two.relay.isListening()).toBe(true);
  });

  test('while nothing can be heard every room may be open', async () => {
    const one = await join();
    await expect.poll(() => isOpen(one, 'a')).toBe(false);
    await one.relay.stop?.(soon());
    expect(isOpen(one, 'a')).toBe(true);
  });
});
