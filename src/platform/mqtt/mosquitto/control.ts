import { randomUUID } from 'node:crypto';
import type { MqttClient } from 'mqtt';
import { commonErrors } from '#kernel/errors.ts';
import type { Component } from '#kernel/lifecycle.ts';
import type { Logger } from '#kernel/logger.ts';
import { parseAddress } from './address.ts';
import { createConnection } from './connection.ts';

/** One command of https://mosquitto.org/documentation/dynamic-security/, with its arguments. */
export interface Command {
  readonly command: string;
  readonly [argument: string]: unknown;
}

export interface Reply {
  /** In Mosquitto's words, such as `Client not found`; absent: it was done. */
  readonly error?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface OutgoingMessage {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
  readonly retain?: boolean;
  /** After so many seconds the broker drops it where it still waits. Absent: never. */
  readonly expirySeconds?: number;
}

/** What we send to the broker: messages to devices, and commands about accounts. */
export interface MosquittoControl extends Component {
  /** The address as it was given, with the login; for connections of their own. */
  readonly address: ReturnType<typeof parseAddress>;
  /**
   * Resolves when the broker has it.
   * @returns whether anybody is subscribed: connected, or with a persistent session
   * @throws AppError `unavailable`
   */
  publish(message: OutgoingMessage): Promise<boolean>;
  /**
   * Has commands carried out, in order. Those asked for in the same turn of the event loop travel together.
   * @throws AppError `unavailable`: away, or no answer; it is not known then what was done
   */
  command(...commands: readonly Command[]): Promise<readonly Reply[]>;
  /** @throws AppError `unavailable` */
  ping(): Promise<void>;
  /** When its connection was lost last, by `performance.now()`: then the broker, or the way to it, was away. */
  lostAt(): number;
}

export interface MosquittoControlOptions {
  /** `mqtt[s]://user:password@host:port` of the listener for core-api; the user may manage accounts. */
  readonly url: string;
  readonly logger: Logger;
  /** So long the broker may answer nothing while it is asked something. Default 5 s. */
  readonly timeoutMs?: number;
}

const TOPIC = '$CONTROL/dynamic-security/v1';
const RESPONSES = `${TOPIC}/response`;
const TIMEOUT_MS = 5_000;
/** PUBACK, MQTT 5 section 3.4.2.1. */
const NO_MATCHING_SUBSCRIBERS = 0x10;
/** An answer may be lost: nobody waits for longer than this many times, whatever else is answered. */
const LONGEST_QUEUE = 12;
/** Commands in one message: about 40 kB of them, and no long stop for the broker, which saves after each. */
const COMMANDS_AT_ONCE = 40;
const ROLE = 'core-api';
/** `mosquitto_ctrl dynsec init` gives its account the right to read everything, and to write nothing but commands. */
const RIGHTS = ['devices/#', 'core-api/#'].map((topic) => ({ acltype: 'publishClientSend', topic, allow: true }));

interface Waiting {
  readonly id: string;
  readonly command: Command;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

export function createMosquittoControl({
  url,
  logger,
  timeoutMs = TIMEOUT_MS,
}: MosquittoControlOptions): MosquittoControl {
  const address = parseAddress(url);
  /** Every process that is connected reads all answers; these are ours. */
  const instance = randomUUID();
  const waiting = new Map<string, Waiting>();
  let rightsChanged = false;
  let sequence = 0;
  let lostAt = Number.NEGATIVE_INFINITY;
  let answeredAt = Number.NEGATIVE_INFINITY;
  let outbox: Waiting[] = [];
  /** Packet ids of publishes that nobody was subscribed to; taken out by whoever published. */
  const unmatched = new Set<number>();

  const connection = createConnection({
    address,
    logger,
    client: { clientId: `core.api.control.${instance}`, clean: true },
    prepare(client) {
      client.on('message', (topic, payload) => topic === RESPONSES && answered(payload));
      // MQTT.js does not hand the reason on to who published.
      client.on('packetreceive', (packet) => {
        if (packet.cmd !== 'puback' || packet.messageId === undefined) return;
        if (packet.reasonCode === NO_MATCHING_SUBSCRIBERS) unmatched.add(packet.messageId);
      });
    },
    async onConnect(client) {
      await client.subscribeAsync(RESPONSES, { qos: 1 });
      await takeRights(client);
    },
    onLost() {
      lostAt = performance.now();
      unmatched.clear();
      failAll();
    },
  });

  function answered(payload: Buffer): void {
    let responses: readonly (Reply & { readonly correlationData?: string })[];
    try {
      ({ responses } = JSON.parse(payload.toString()));
    } catch {
      return;
    }
    for (const reply of responses) {
      const { correlationData: id } = reply;
      if (id === undefined || !waiting.has(id)) continue;
      answeredAt = performance.now();
      waiting.get(id)?.resolve(reply);
      waiting.delete(id);
    }
  }

  function failAll(): void {
    for (const { reject } of waiting.values()) reject(commonErrors.unavailable());
    waiting.clear();
  }

  function send(client: MqttClient, commands: readonly Waiting[]): void {
    for (let start = 0; start < commands.length; start += COMMANDS_AT_ONCE) {
      const part = commands.slice(start, start + COMMANDS_AT_ONCE);
      const body = part.map(({ id, command }) => ({ ...command, correlationData: id }));
      client.publish(TOPIC, JSON.stringify({ commands: body }), { qos: 1 }, (error) => {
        if (!error) return;
        for (const { id, reject } of part) {
          waiting.delete(id);
          reject(commonErrors.unavailable({ cause: error }));
        }
      });
    }
  }

  function ask(command: Command, enqueue: (entry: Waiting) => void): Promise<Reply> {
    const id = `${instance}:${++sequence}`;
    return new Promise<Reply>((resolve, reject) => {
      const askedAt = performance.now();
      let timer: NodeJS.Timeout;
      // It answers in order, and takes its time over each: whoever is behind others waits while those are answered.
      const waitFor = (ms: number) => {
        timer = setTimeout(() => {
          const now = performance.now();
          const left = Math.min(answeredAt + timeoutMs, askedAt + LONGEST_QUEUE * timeoutMs) - now;
          if (left > 0) return waitFor(left);
          waiting.delete(id);
          reject(commonErrors.unavailable({ cause: new Error(`the broker did not answer ${command.command}`) }));
        }, ms);
      };
      waitFor(timeoutMs);
      const entry = {
        id,
        command,
        resolve: (reply: Reply) => {
          clearTimeout(timer);
          resolve(reply);
        },
        reject: (error: Error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      waiting.set(id, entry);
      enqueue(entry);
    });
  }

  function flush(): void {
    const commands = outbox.filter(({ id }) => waiting.has(id));
    outbox = [];
    try {
      send(connection.client(), commands);
    } catch (error) {
      for (const { id, reject } of commands) {
        waiting.delete(id);
        reject(error as Error);
      }
    }
  }

  async function takeRights(client: MqttClient): Promise<void> {
    const { username } = address;
    const now = (...commands: readonly Command[]) =>
      Promise.all(commands.map((command) => ask(command, (entry) => send(client, [entry]))));
    const [account, role] = await now({ command: 'getClient', username }, { command: 'getRole', rolename: ROLE });
    const roles = (account?.data?.['client'] as { roles?: { rolename: string }[] } | undefined)?.roles ?? [];
    const acls = (role?.data?.['role'] as { acls?: { topic: string }[] } | undefined)?.acls ?? [];
    const commands: Command[] = [];
    if (role?.error !== undefined) commands.push({ command: 'createRole', rolename: ROLE, acls: RIGHTS });
    else {
      for (const right of RIGHTS) {
        if (acls.some(({ topic }) => topic === right.topic)) continue;
        commands.push({ command: 'addRoleACL', rolename: ROLE, ...right });
      }
    }
    if (roles.every(({ rolename }) => rolename !== ROLE)) {
      commands.push({ command: 'addClientRole', username, rolename: ROLE });
    }
    if (commands.length === 0) return;
    rightsChanged = true;
    for (const reply of await now(...commands)) {
      // Another process may have done the same at the same time.
      if (reply.error !== undefined && !/already/i.test(reply.error)) throw new Error(reply.error);
    }
  }

  return {
    name: 'mqtt control',
    address,
    async start(signal) {
      try {
        await connection.open(signal);
      } catch (error) {
        if (!rightsChanged) throw error;
        // Mosquitto ends the connections of an account whose rights change: ours, at the very first start.
        await connection.open(signal);
      }
    },
    async stop() {
      await connection.close();
      failAll();
    },
    async publish({ topic, payload, qos, retain = false, expirySeconds }) {
      const client = connection.client();
      const properties = expirySeconds === undefined ? {} : { properties: { messageExpiryInterval: expirySeconds } };
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('the broker did not acknowledge')), timeoutMs);
      });
      try {
        const published = client.publishAsync(topic, payload, { qos, retain, ...properties });
        const messageId = client.getLastMessageId();
        // Of a command that had this id before.
        unmatched.delete(messageId);
        await Promise.race([published, late]);
        return !unmatched.delete(messageId);
      } catch (error) {
        throw commonErrors.unavailable({ cause: error });
      } finally {
        clearTimeout(timer);
      }
    },
    async command(...commands) {
      connection.client();
      return await Promise.all(
        commands.map((command) =>
          ask(command, (entry) => {
            if (outbox.length === 0) setImmediate(flush);
            outbox.push(entry);
          }),
        ),
      );
    },
    async ping() {
      connection.client();
    },
    lostAt: () => lostAt,
  };
}
