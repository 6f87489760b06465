import { io, type Socket } from 'socket.io-client';
import { createHistogram, type LatencySummary } from './histogram.ts';

/** An update of one device as one viewer got it. */
interface Sighting {
  readonly device: number;
  /** Of the newest sample in it, epoch ms. */
  readonly timestamp: number;
  /** Epoch ms with a fraction. */
  readonly at: number;
}

/** People who watch devices, each over a connection of its own, with the client that browsers use. */
export interface Viewers extends Disposable {
  /** Events so far. */
  seen(): number;
  /** Of the events since the last call: from `publishedAt` of the newest sample in each to its arrival. */
  latencies(publishedAt: (device: number, timestamp: number) => number | null): LatencySummary;
  /** Of all that they watch, those whose newest sample was seen. */
  upToDate(newest: (device: number) => number): { readonly seen: number; readonly of: number };
}

export interface ViewersOptions {
  readonly httpPort: number;
  /** Of the users whose connections they are, in turn: one user may have 50. */
  readonly tokens: readonly string[];
  readonly count: number;
  /** By index: what each viewer watches of `deviceUids`. */
  readonly watch: (viewer: number) => readonly number[];
  readonly deviceUids: readonly string[];
}

/** Resolves when all are subscribed. */
export async function openViewers({ httpPort, tokens, count, watch, deviceUids }: ViewersOptions): Promise<Viewers> {
  const deviceOf = new Map(deviceUids.map((uid, index) => [uid, index]));
  const sockets: Socket[] = [];
  const newestSeen: Map<number, number>[] = [];
  let sightings: Sighting[] = [];
  let seen = 0;

  async function open(viewer: number): Promise<void> {
    const socket = io(`http://127.0.0.1:${httpPort}/monitoring`, {
      auth: { token: tokens[viewer % tokens.length] },
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
    });
    sockets.push(socket);
    const newest = new Map(watch(viewer).map((device) => [device, 0]));
    newestSeen.push(newest);
    socket.on('telemetry', ({ device_uid, timestamp: instant }: { device_uid: string; timestamp: string }) => {
      const at = performance.timeOrigin + performance.now();
      const device = deviceOf.get(device_uid) ?? -1;
      if (!newest.has(device)) throw new Error(`a viewer was shown ${device_uid}, which it does not watch`);
      const timestamp = Date.parse(instant);
      sightings.push({ device, timestamp, at });
      newest.set(device, timestamp);
      seen += 1;
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('connect_error', reject);
    });
    for (const device of newest.keys()) {
      const answer = await socket.timeout(10_000).emitWithAck('subscribe', { device_uid: deviceUids[device] });
      if (answer?.ok !== true) throw new Error(`the live view refused the subscription: ${JSON.stringify(answer)}`);
    }
  }

  for (let viewer = 0; viewer < count; viewer += 1) await open(viewer);
  return {
    seen: () => seen,
    latencies(publishedAt) {
      const histogram = createHistogram();
      for (const { device, timestamp, at } of sightings) {
        const from = publishedAt(device, timestamp);
        if (from !== null) histogram.record(Math.max(0, at - from));
      }
      sightings = [];
      return histogram.summary();
    },
    upToDate(newest) {
      const pairs = newestSeen.flatMap((map) => [...map]);
      return { seen: pairs.filter(([device, at]) => at === newest(device)).length, of: pairs.length };
    },
    [Symbol.dispose]() {
      for (const socket of sockets) socket.disconnect();
    },
  };
}
