import { JSON_LIMITS } from '#kernel/accept-json.ts';
import type { AccessRule } from './http.port.ts';

/** Who sends a body, by the access rule of its route: what strangers may send is small. */
type Sender = 'anyone' | 'people' | 'device';

export interface HttpLimits {
  /** Decoded bytes of a body. A route that needs more says so in its `bodyLimit`. */
  readonly bodyBytes: Readonly<Record<Sender, number>>;
  /** From the head of a request to the end of its body. */
  readonly bodyMs: Readonly<Record<Sender, number>>;
  /** Decoded bytes of all requests that are not answered yet. */
  readonly heldBodyBytes: number;
  /** Those of one device, one user, or one client address without either. */
  readonly heldBodyBytesOfOne: number;
  /** Bodies that are decoded at a time. Less than the threads of Node's pool, which passwords and files need too. */
  readonly decodings: Readonly<Record<Sender, number>>;
  /** Arrays and objects within each other, in a JSON body. */
  readonly jsonDepth: number;
  /** Fields and items in a JSON body, at whatever depth. */
  readonly jsonValues: number;
  /** From the connection, or its last answer, to the end of a request's head. */
  readonly headMs: number;
  /** From the first byte of a request to the last of its body, whatever the route does with it. */
  readonly requestMs: number;
  /** Without a byte in either direction: a client that does not read its answer, too. Longer than any long poll. */
  readonly silenceMs: number;
  /** Between two requests of one connection; longer than that of most proxies, so that they close first. */
  readonly keepAliveMs: number;
  /** Open connections, those of Socket.IO included. */
  readonly connections: number;
  /** Of one client address (an IPv6 /64); those of trusted proxies are not counted. */
  readonly connectionsPerAddress: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const HTTP_LIMITS: HttpLimits = {
  bodyBytes: { anyone: 64 * KIB, people: 256 * KIB, device: 4 * MIB },
  bodyMs: { anyone: 15_000, people: 60_000, device: 120_000 },
  heldBodyBytes: 128 * MIB,
  heldBodyBytesOfOne: 32 * MIB,
  decodings: { anyone: 1, people: 1, device: 2 },
  jsonDepth: JSON_LIMITS.depth,
  jsonValues: JSON_LIMITS.values,
  headMs: 15_000,
  requestMs: 300_000,
  silenceMs: 180_000,
  keepAliveMs: 72_000,
  connections: 10_000,
  connectionsPerAddress: 1_000,
};

export function senderOf(rule: AccessRule | undefined): Sender {
  if (rule === undefined || rule === 'public') return 'anyone';
  return rule === 'device' ? 'device' : 'people';
}
