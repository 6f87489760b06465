import { LRUCache } from 'lru-cache';
import { toIso } from '#kernel/clock.ts';
import { grownTo } from '#kernel/lru.ts';
import type { CommittedBatch } from '#platform/channels/channel.port.ts';
import { sendLive } from '#platform/realtime/live-event.port.ts';
import type { RealtimeNamespace } from '#platform/realtime/realtime.port.ts';
import type { MetricValue, Sample } from '#platform/telemetry/telemetry.port.ts';
import type { Span } from '#platform/tracing/tracing.port.ts';
import { ALL_DEVICES_ROOM, deviceRoom, LIVE_TELEMETRY } from './live.schemas.ts';

/** A device's updates are shown at most this often; in between the newest value of each metric is kept. */
const MIN_INTERVAL_MS = 50;
const REMEMBERED_DEVICES = 10_000;

export interface LiveView {
  /** Shows committed samples to who watches. */
  show(batch: Pick<CommittedBatch, 'devices' | 'samples' | 'spans'>): void;
}

interface Waiting {
  timestamp: number;
  readonly metrics: Record<string, MetricValue>;
  /** When each of the metrics was measured: an older sample that comes later replaces nothing. */
  readonly measuredAt: Map<string, number>;
  /** Of the samples in it that are followed: from here until it is sent. */
  spans: Span[] | null;
}

interface Channel {
  lastShownAt: number;
  waiting: Waiting | null;
}

/**
 * The live picture: an update goes out at once, and a storm is thinned to one update every 50 ms and
 * device in which the newest value of each metric wins. A device that nobody watches costs a lookup a batch.
 */
export function createLiveView(namespace: RealtimeNamespace): LiveView {
  const channels = new LRUCache<string, Channel>(grownTo(REMEMBERED_DEVICES));

  function send(deviceUid: string, update: Waiting): void {
    sendLive(namespace, LIVE_TELEMETRY, [deviceRoom(deviceUid), ALL_DEVICES_ROOM], {
      device_uid: deviceUid,
      timestamp: toIso(update.timestamp),
      metrics: update.metrics,
    });
    for (const span of update.spans ?? []) span.end();
  }

  function offer(deviceUid: string, sample: Sample, span: Span | undefined): void {
    let channel = channels.get(deviceUid);
    if (channel === undefined) {
      channel = { lastShownAt: Number.NEGATIVE_INFINITY, waiting: null };
      channels.set(deviceUid, channel);
    }
    const update: Waiting = channel.waiting ?? { timestamp: 0, metrics: {}, measuredAt: new Map(), spans: null };
    merge(update, sample);
    if (span !== undefined) update.spans = [...(update.spans ?? []), span.child('live emit')];
    if (channel.waiting !== null) return;
    const elapsed = performance.now() - channel.lastShownAt;
    if (elapsed >= MIN_INTERVAL_MS) {
      channel.lastShownAt = performance.now();
      send(deviceUid, update);
      return;
    }
    channel.waiting = update;
    const target = channel;
    setTimeout(() => {
      target.lastShownAt = performance.now();
      target.waiting = null;
      send(deviceUid, update);
    }, MIN_INTERVAL_MS - elapsed).unref();
  }

  return {
    show({ devices, samples, spans }) {
      const everything = namespace.hasListeners(ALL_DEVICES_ROOM);
      const watched = new Map<number, string>();
      for (const [deviceId, deviceUid] of devices) {
        if (everything || namespace.hasListeners(deviceRoom(deviceUid))) watched.set(deviceId, deviceUid);
      }
      if (watched.size === 0) return;
      for (const sample of samples) {
        const deviceUid = watched.get(sample.deviceId);
        if (deviceUid !== undefined) offer(deviceUid, sample, spans?.get(sample));
      }
    },
  };
}

function merge(update: Waiting, { timestamp, metrics }: Sample): void {
  for (const [name, value] of Object.entries(metrics)) {
    if ((update.measuredAt.get(name) ?? 0) > timestamp) continue;
    update.metrics[name] = value;
    update.measuredAt.set(name, timestamp);
  }
  update.timestamp = Math.max(update.timestamp, timestamp);
}
