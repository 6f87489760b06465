import { connect, type MqttClient } from 'mqtt';
import type { RegisteredDevice } from './api-client.ts';

/** A device of the contract over MQTT: acts on each id once, remembers what it has done, answers again what was not acknowledged. */
export interface CommandDevice {
  /** In the order of their first coming. */
  readonly received: readonly string[];
  /** How often each came. */
  readonly times: ReadonlyMap<string, number>;
  /** Answers that ended a command for the device, by its id; `acknowledgedAt` is null until the PUBACK came. */
  readonly answers: ReadonlyMap<string, Answer>;
  /** Another connection in the place of this one. @param hears whether it subscribes */
  connect(mqttUrl: string, hears: boolean): void;
  /** @param isOrderly with DISCONNECT; else the line is cut */
  disconnect(isOrderly: boolean): void;
  /** Holds PUBACKs back until `release`. */
  hold(): void;
  release(): void;
  progress(commandId: string, percent: number): void;
  /** What it says first stays its answer. */
  answer(commandId: string, status: 'success' | 'error'): void;
  /** From now on it answers whatever comes, and what came before and was not answered. */
  answerAll(): void;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: 'success' | 'error';
  readonly acknowledgedAt: number | null;
}

export function createCommandDevice({ uid, secret }: RegisteredDevice): CommandDevice {
  const times = new Map<string, number>();
  const answers = new Map<string, Answer>();
  let client: MqttClient | undefined;
  let held: (() => void)[] | null = null;
  let isEager = false;

  function say(payload: { readonly command_id: string; readonly status: string; readonly progress?: number }) {
    const saying = client;
    if (saying === undefined) return;
    saying.publish(`devices/${uid}/response`, JSON.stringify(payload), { qos: 1 }, (error) => {
      if (error !== undefined && error !== null) return;
      const known = answers.get(payload.command_id);
      if (known?.status !== payload.status || known.acknowledgedAt !== null) return;
      answers.set(payload.command_id, { ...known, acknowledgedAt: Date.now() });
    });
  }

  function answer(commandId: string, status: Answer['status']): void {
    const known = answers.get(commandId) ?? { status, acknowledgedAt: null };
    answers.set(commandId, known);
    say({ command_id: commandId, status: known.status });
  }

  function take(commandId: string): void {
    times.set(commandId, (times.get(commandId) ?? 0) + 1);
    if (answers.has(commandId) || isEager) answer(commandId, 'success');
  }

  function end(isOrderly: boolean): void {
    // What comes after that is not of this connection.
    held = null;
    if (client !== undefined) client.handleMessage = (_packet, done) => done();
    client?.end(!isOrderly);
    client = undefined;
  }

  return {
    get received() {
      return [...times.keys()];
    },
    times,
    answers,
    connect(mqttUrl, hears) {
      end(false);
      const made = connect(mqttUrl, { username: uid, password: secret, clientId: 'device', reconnectPeriod: 200 });
      client = made;
      made.on('error', () => {});
      made.handleMessage = (packet, done) => {
        take((JSON.parse(String(packet.payload)) as { readonly command_id: string }).command_id);
        if (held === null) done();
        else held.push(() => done());
      };
      if (hears) made.subscribe(`devices/${uid}/command`, { qos: 1 }, () => {});
    },
    disconnect: end,
    hold() {
      held ??= [];
    },
    release() {
      const waiting = held ?? [];
      held = null;
      for (const done of waiting) done();
    },
    progress(commandId, percent) {
      if (!answers.has(commandId)) say({ command_id: commandId, status: 'progress', progress: percent });
    },
    answer,
    answerAll() {
      isEager = true;
      for (const commandId of times.keys()) {
        if ((answers.get(commandId)?.acknowledgedAt ?? null) === null) answer(commandId, 'success');
      }
    },
    async close() {
      await client?.endAsync(true);
    },
  };
}
