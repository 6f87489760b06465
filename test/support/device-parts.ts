import {
  createDeviceMemory,
  type DeviceChannel,
  type DeviceEvent,
  type DeviceMemory,
  type DeviceParts,
  type FleetDevice,
  type Json,
} from '#main/commands/fleet/device-parts.ts';
import type { Mishap } from '#main/commands/fleet/mishaps.ts';

/** A simulated device without broker: what it says is kept, and acknowledged at once. */
export interface TestDevice {
  readonly parts: DeviceParts;
  readonly said: { readonly channel: DeviceChannel; readonly message: Json }[];
  readonly events: DeviceEvent[];
  readonly restarts: ('orderly' | 'cut')[];
  /** The power goes off: what is under way ends. */
  cut(): void;
  /** The same device after its next start. */
  startAgain(): TestDevice;
}

export interface TestDeviceOptions extends Partial<FleetDevice> {
  readonly mishaps?: readonly Mishap[];
  readonly memory?: DeviceMemory;
  readonly stepMs?: number;
}

export function createTestDevice({
  mishaps = [],
  memory = createDeviceMemory('1.0.0'),
  stepMs = 0,
  ...more
}: TestDeviceOptions = {}): TestDevice {
  const power = new AbortController();
  const said: TestDevice['said'] = [];
  const events: DeviceEvent[] = [];
  const restarts: TestDevice['restarts'] = [];
  const device: FleetDevice = { deviceUid: 'd1', secret: 'secret', model: 'pump', seed: 1, ...more };
  return {
    said,
    events,
    restarts,
    parts: {
      ...{ device, memory, power: power.signal, stepMs },
      happens: (mishap) => mishaps.includes(mishap),
      async say(channel, message) {
        power.signal.throwIfAborted();
        said.push({ channel, message });
      },
      restart(how) {
        restarts.push(how);
        power.abort();
      },
      tell: (event) => void events.push(event),
    },
    cut: () => power.abort(),
    startAgain: () => createTestDevice({ mishaps, memory, ...more }),
  };
}
