import { createHash } from 'node:crypto';
import { backoffMs, pause } from '#kernel/concurrency.ts';
import { createId } from '#kernel/ids.ts';
import type { Logger } from '#kernel/logger.ts';
import type { RetainedSource } from '../downlink.port.ts';
import type { ServerChannel } from '../mqtt.port.ts';
import { createConnection } from './connection.ts';
import type { MosquittoControl } from './control.ts';

/** The retained messages at the broker, kept in step with their sources. */
export interface RetainedCopies {
  /**
   * Compares the copies of the devices that `owns` says with their sources, in the background: publishes what is
   * missing or different, and clears what no source has. Repeats until it succeeds, or they are released.
   */
  reconcile(owns: (deviceUid: string) => boolean): void;
  /** A copy is being set: a comparison that is under way leaves it alone. */
  changed(topic: string): void;
  release(owns: (deviceUid: string) => boolean): void;
}

interface Round {
  readonly owns: (deviceUid: string) => boolean;
  readonly changed: Set<string>;
  isOver: boolean;
}

const RETRY = { firstMs: 500, longestMs: 30_000 };

export function createRetainedCopies({
  control,
  logger,
  sources,
}: {
  readonly control: MosquittoControl;
  readonly logger: Logger;
  readonly sources: ReadonlyMap<ServerChannel, RetainedSource>;
}): RetainedCopies {
  const rounds = new Set<Round>();

  /** Topic → hash of what is retained there; of `devices/+/{channel}`, as far as the round is about it. */
  async function copiesOf(channel: ServerChannel, { owns }: Round): Promise<Map<string, string>> {
    const copies = new Map<string, string>();
    const id = createId();
    const end = `core-api/nudge/${id}`;
    let ended: () => void = () => {};
    const read = new Promise<void>((resolve) => (ended = resolve));
    let lost: (error: Error) => void = () => {};
    const failed = new Promise<never>((_, reject) => (lost = reject));
    failed.catch(() => {});
    const connection = createConnection({
      address: control.address,
      logger,
      reconnectMs: null,
      client: { clientId: `core.api.retained.${id}`, clean: true },
      prepare(client) {
        client.on('message', (topic, payload, { retain }) => {
          if (topic === end) ended();
          else if (retain && owns(topic.split('/')[1] ?? '')) copies.set(topic, hashOf(payload));
        });
      },
      async onConnect(client) {
        await client.subscribeAsync([`devices/+/${channel}`, end], { qos: 1 });
        // Comes after what is retained.
        await client.publishAsync(end, '', { qos: 1 });
      },
      onLost: () => lost(new Error('the connection was lost')),
    });
    await connection.open();
    try {
      await Promise.race([read, failed]);
    } finally {
      await connection.close();
    }
    return copies;
  }

  async function compare(channel: ServerChannel, source: RetainedSource, round: Round): Promise<void> {
    const copies = await copiesOf(channel, round);
    /** Asked again right before: what was listed may be older than what was set meanwhile. */
    const set = async (deviceUid: string, topic: string) => {
      const payload = (await source.payloadOf(deviceUid)) ?? '';
      if (!round.isOver && !round.changed.has(topic)) await control.publish({ topic, payload, qos: 1, retain: true });
    };
    for await (const { deviceUid, payload } of source.all()) {
      if (round.isOver) return;
      if (!round.owns(deviceUid)) continue;
      const topic = `devices/${deviceUid}/${channel}`;
      if (copies.get(topic) !== hashOf(payload)) await set(deviceUid, topic);
      copies.delete(topic);
    }
    for (const topic of copies.keys()) await set(topic.split('/')[1] ?? '', topic);
  }

  async function run(round: Round): Promise<void> {
    for (let attempt = 0; !round.isOver; attempt++) {
      try {
        for (const [channel, source] of sources) await compare(channel, source, round);
        break;
      } catch (error) {
        if (attempt === 0) logger.warn({ err: error }, 'what the MQTT broker retains cannot be compared; tried again');
        await pause(backoffMs(RETRY, attempt));
      }
    }
    rounds.delete(round);
  }

  function release(owns: Round['owns']): void {
    for (const round of rounds) if (round.owns === owns) round.isOver = true;
  }

  return {
    reconcile(owns) {
      // A later one starts from what the broker has then.
      release(owns);
      const round = { owns, changed: new Set<string>(), isOver: false };
      rounds.add(round);
      void run(round);
    },
    changed(topic) {
      for (const round of rounds) round.changed.add(topic);
    },
    release,
  };
}

function hashOf(payload: string | Buffer): string {
  return createHash('sha256').update(payload).digest('base64url');
}
