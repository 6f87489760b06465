import type { Hash } from 'node:crypto';
import { pause } from '#kernel/concurrency.ts';
import type { Happens } from './mishaps.ts';

export type DeviceChannel = 'telemetry' | 'status' | 'log' | 'response';

/** `device_uid` and secret as registered, and what the factory gives each device. */
export interface FleetDevice {
  readonly deviceUid: string;
  readonly secret: string;
  /** Its `device_type`. */
  readonly model: 'thermometer' | 'power_meter' | 'pump' | 'air_quality';
  readonly seed: number;
  /** Keys whose firmware it installs; none: it installs nothing. */
  readonly firmwareKeys?: readonly { readonly keyId: string; readonly publicKey: string }[] | undefined;
}

export type Json = Readonly<Record<string, unknown>>;

/** What a device has done, for whoever counts. */
export type DeviceEvent =
  | { readonly kind: 'started'; readonly firmwareVersion: string }
  /** It has acted on a command; `unanswered`: and says nothing of it. */
  | { readonly kind: 'command'; readonly commandId: string; readonly outcome: 'success' | 'error' | 'unanswered' }
  | { readonly kind: 'config'; readonly version: number; readonly outcome: 'applied' | 'overridden' | 'refused' }
  | ({ readonly kind: 'downloaded' } & Download)
  | {
      readonly kind: 'update';
      readonly campaignId: number;
      readonly version: string;
      readonly outcome: 'installed' | 'rolled_back' | 'error' | 'rejected' | 'power_cut';
    };

/** An image that a device has downloaded whole. */
export interface Download {
  readonly campaignId: number;
  readonly version: string;
  /** Of what has come, hex. */
  readonly sha256: string;
  /** That have come, those that came twice included. */
  readonly bytes: number;
}

/**
 * As much of an image as a device has. Only its hash is kept, so that hundreds of devices fit into one process; that is
 * enough to go on where a download was cut off.
 */
export interface PartialImage {
  /** Of the whole image, hex: which one it is. */
  readonly sha256: string;
  readonly hash: Hash;
  /** Bytes from the start of the image. */
  received: number;
  /** Bytes that have come, those that came twice included. */
  transferred: number;
}

/** What was answered to a command; `begun`: nothing yet; `unanswered`: nothing ever. */
export type CommandOutcome = 'begun' | 'unanswered' | Json;

/** What a device keeps while its power is off. */
export interface DeviceMemory {
  firmwareVersion: string;
  /** Of the firmware it runs; none older is installed. */
  sequence: number;
  /** By id, the oldest first. */
  readonly commands: Map<string, CommandOutcome>;
  commandsBegun: number;
  /** The configuration as applied, and what was said of the version that came last. */
  config: { readonly applied: Json; readonly version: number | null; readonly report: Json | null };
  image: PartialImage | null;
  /** What happens once in a campaign, and has: `update_power_cut 3`. */
  readonly happened: Set<string>;
  readonly downloads: Download[];
}

export function createDeviceMemory(firmwareVersion: string): DeviceMemory {
  return {
    firmwareVersion,
    sequence: 0,
    commands: new Map(),
    commandsBegun: 0,
    config: { applied: {}, version: null, report: null },
    image: null,
    happened: new Set(),
    downloads: [],
  };
}

/** What the parts of a device have, from one start to the next power cut. */
export interface DeviceParts {
  readonly device: FleetDevice;
  readonly memory: DeviceMemory;
  readonly happens: Happens;
  /** Aborts when the power goes off. */
  readonly power: AbortSignal;
  /** How long a step of its work takes, in milliseconds. */
  readonly stepMs: number;
  /** Resolves when the server has acknowledged the message, over as many connections as that takes. */
  say(channel: DeviceChannel, message: Json): Promise<void>;
  /** Goes off and comes back. @param how `cut`: without a word, as when the power is lost */
  restart(how: 'orderly' | 'cut'): void;
  tell(event: DeviceEvent): void;
}

/** @throws when the power goes off meanwhile */
export async function work(ms: number, power: AbortSignal): Promise<void> {
  await pause(ms, power);
  power.throwIfAborted();
}
