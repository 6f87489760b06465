import { createId } from '#kernel/ids.ts';
import type { EventRelay } from '#platform/relay/relay.port.ts';

/** Which rooms somebody is in, in the other processes. */
export interface RoomDirectory {
  /** The relay must be started. */
  start(): void;
  stop(): Promise<void>;
  /** The first one has entered a room of this process. */
  opened(namespace: string, room: string): void;
  /** The last one has left it. */
  closed(namespace: string, room: string): void;
  /** Resolves when the other processes were sent what was `opened` and `closed` so far. */
  announced(): Promise<void>;
  /** False only when no other process has somebody in the room, as far as it has told. Costs a lookup. */
  mayBeOpenElsewhere(namespace: string, room: string): boolean;
}

export interface RoomDirectoryTiming {
  /** Every process gives a sign of life this often; one that missed three is not there any more. */
  readonly beatMs: number;
  /** One that does not say within this time which rooms it has, although it is there, is not waited for. */
  readonly graceMs: number;
}

type Rooms = readonly (readonly [namespace: string, rooms: readonly string[]])[];

/** `seq` counts the changes of the sender. */
type Word = { readonly from: string } & (
  | { readonly kind: 'hello' | 'bye' }
  | { readonly kind: 'alive'; readonly seq: number }
  | { readonly kind: 'all'; readonly seq: number; readonly rooms: Rooms }
  | { readonly kind: 'change'; readonly seq: number; readonly opened: Rooms; readonly closed: Rooms }
);

interface Peer {
  seq: number;
  seenAt: number;
  readonly rooms: Map<string, Set<string>>;
}

const TYPE = 'realtime.rooms';
const DEFAULT_TIMING: RoomDirectoryTiming = { beatMs: 5_000, graceMs: 3_000 };
const MISSED_BEATS = 3;
/** Many may ask at the same time; one answer is for all. */
const ANSWER_WITHIN_MS = 20;

/**
 * Every process tells the others of each room that it opens and closes, and keeps what they told. One that may
 * have missed something asks all, and takes every room for open until they have answered.
 */
export function createRoomDirectory(relay: EventRelay, timing: RoomDirectoryTiming = DEFAULT_TIMING): RoomDirectory {
  const id = createId();
  const own = new Map<string, Set<string>>();
  const peers = new Map<string, Peer>();
  /** In how many other processes each room is open. */
  const elsewhere = new Map<string, Map<string, number>>();
  const answered = new Set<string>();
  const changes = new Map<string, Map<string, boolean>>();
  let running = false;
  let certain = false;
  let seq = 0;
  let question = 0;
  let expected: number | undefined;
  let grace: NodeJS.Timeout | undefined;
  let beat: NodeJS.Timeout | undefined;
  let answer: NodeJS.Timeout | undefined;
  let scheduled: Promise<void> | undefined;
  let announcement: Promise<void> = Promise.resolve();
  let removeHandlers: readonly (() => void)[] = [];

  const say = (word: object) => relay.publish({ type: TYPE, at: Date.now(), data: { from: id, ...word } });

  // What the others have.

  function count(namespace: string, room: string, by: 1 | -1): void {
    const rooms = roomsIn(elsewhere, namespace, () => new Map<string, number>());
    const total = (rooms.get(room) ?? 0) + by;
    if (total > 0) rooms.set(room, total);
    else rooms.delete(room);
  }

  function enter(peer: Peer, rooms: Rooms): void {
    for (const [namespace, names] of rooms) {
      const known = roomsIn(peer.rooms, namespace, () => new Set<string>());
      for (const room of names) {
        if (known.has(room)) continue;
        known.add(room);
        count(namespace, room, 1);
      }
    }
  }

  function leave(peer: Peer, rooms: Rooms): void {
    for (const [namespace, names] of rooms) {
      for (const room of names) if (peer.rooms.get(namespace)?.delete(room)) count(namespace, room, -1);
    }
  }

  function drop(from: string): void {
    const peer = peers.get(from);
    if (peer === undefined) return;
    leave(peer, listed(peer.rooms));
    peers.delete(from);
  }

  function hear(word: Word): void {
    const peer = peers.get(word.from);
    if (peer !== undefined) peer.seenAt = performance.now();
    switch (word.kind) {
      case 'hello':
        answer ??= setTimeout(sayAll, ANSWER_WITHIN_MS).unref();
        return;
      case 'bye':
        drop(word.from);
        return;
      case 'all': {
        drop(word.from);
        const fresh: Peer = { seq: word.seq, seenAt: performance.now(), rooms: new Map() };
        peers.set(word.from, fresh);
        enter(fresh, word.rooms);
        answered.add(word.from);
        settle();
        return;
      }
      case 'alive':
        if (peer?.seq !== word.seq) ask();
        return;
      case 'change':
        if (peer === undefined || peer.seq + 1 !== word.seq) {
          ask();
          return;
        }
        peer.seq = word.seq;
        enter(peer, word.opened);
        leave(peer, word.closed);
    }
  }

  /** Asks everyone, unless that is going on already. */
  function ask(): void {
    if (certain || question === 0) askAgain();
  }

  function askAgain(): void {
    certain = false;
    expected = undefined;
    answered.clear();
    question += 1;
    const asked = question;
    void say({ kind: 'hello' });
    relay.peers().then(
      (there) => {
        if (asked !== question) return;
        expected = there;
        settle();
      },
      () => {},
    );
    clearTimeout(grace);
    grace = setTimeout(() => {
      certain = true;
    }, timing.graceMs).unref();
  }

  function settle(): void {
    if (certain || expected === undefined || answered.size < expected) return;
    certain = true;
    clearTimeout(grace);
  }

  // What this process has.

  function sayAll(): void {
    clearTimeout(answer);
    answer = undefined;
    // It holds the changes that were not told yet.
    changes.clear();
    void say({ kind: 'all', seq, rooms: listed(own) });
  }

  function changed(namespace: string, room: string, open: boolean): void {
    if (!running) return;
    roomsIn(changes, namespace, () => new Map<string, boolean>()).set(room, open);
    scheduled ??= new Promise((resolve) => setImmediate(() => resolve(tell())));
  }

  function tell(): Promise<void> {
    scheduled = undefined;
    if (!running || changes.size === 0) return announcement;
    const [opened, closed] = [true, false].map((open) =>
      [...changes].map(([namespace, rooms]) => [namespace, [...rooms.keys()].filter((r) => rooms.get(r) === open)]),
    );
    changes.clear();
    seq += 1;
    announcement = say({ kind: 'change', seq, opened, closed });
    return announcement;
  }

  return {
    start() {
      running = true;
      removeHandlers = [
        relay.onMessage(({ type, data }) => {
          if (type === TYPE) hear(data as Word);
        }),
        relay.onGap(() => {
          askAgain();
          sayAll();
        }),
      ];
      askAgain();
      sayAll();
      beat = setInterval(() => {
        void say({ kind: 'alive', seq });
        const oldest = performance.now() - MISSED_BEATS * timing.beatMs;
        for (const [from, { seenAt }] of [...peers]) if (seenAt < oldest) drop(from);
      }, timing.beatMs).unref();
    },
    async stop() {
      if (!running) return;
      running = false;
      for (const remove of removeHandlers) remove();
      clearInterval(beat);
      clearTimeout(grace);
      clearTimeout(answer);
      answer = undefined;
      certain = false;
      for (const from of [...peers.keys()]) drop(from);
      await say({ kind: 'bye' });
    },
    opened(namespace, room) {
      roomsIn(own, namespace, () => new Set<string>()).add(room);
      changed(namespace, room, true);
    },
    closed(namespace, room) {
      own.get(namespace)?.delete(room);
      changed(namespace, room, false);
    },
    announced: () => scheduled ?? announcement,
    mayBeOpenElsewhere(namespace, room) {
      if (!certain || !relay.isListening()) return true;
      return elsewhere.get(namespace)?.has(room) ?? false;
    },
  };
}

function roomsIn<T>(map: Map<string, T>, namespace: string, create: () => T): T {
  let rooms = map.get(namespace);
  if (rooms === undefined) {
    rooms = create();
    map.set(namespace, rooms);
  }
  return rooms;
}

function listed(map: ReadonlyMap<string, ReadonlySet<string>>): Rooms {
  return [...map].map(([namespace, rooms]) => [namespace, [...rooms]] as const);
}
