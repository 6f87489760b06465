import type { Static, TSchema } from 'typebox';
import type { RealtimeNamespace } from './realtime.port.ts';

/** An event that the server sends to people who are connected. The AsyncAPI document is made of these. */
export interface LiveEvent<S extends TSchema = TSchema> {
  /** Of Socket.IO, such as `/monitoring`. */
  readonly namespace: string;
  readonly name: string;
  readonly payload: S;
  /** One or two sentences for the API documents. */
  readonly description: string;
}

/** A command that people may send; answered `{ok: true}` or `{ok: false, code, detail}`. */
export interface LiveCommand {
  readonly namespace: string;
  /** All of these take the same payload. */
  readonly names: readonly string[];
  readonly payload: TSchema;
  readonly description: string;
}

/** What an event of this kind carries. */
export type LiveData<E extends LiveEvent> = Static<E['payload']>;

/** Sends once to everyone in any of the rooms, in every process. */
export function sendLive<E extends LiveEvent>(
  namespace: RealtimeNamespace,
  event: E,
  rooms: string | readonly string[],
  data: LiveData<E>,
): void {
  namespace.emit(rooms, event.name, data as object);
}
