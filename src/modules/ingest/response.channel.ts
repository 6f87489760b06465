import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Channel } from '#platform/channels/channel.port.ts';
import { withoutNulls } from '#platform/channels/payloads.port.ts';
import { Strict } from '#platform/http/http.schemas.ts';

/** A device's answer to a command. */
export interface CommandResponse {
  readonly deviceId: number;
  readonly command_id: string;
  readonly status: 'success' | 'error';
  readonly result?: unknown;
  readonly error?: string;
}

const ResponsePayload = Strict({
  command_id: Type.String({ minLength: 1, maxLength: 64 }),
  status: Type.Enum(['success', 'error']),
  result: Type.Optional(Type.Unknown()),
  error: Type.Optional(Type.String({ maxLength: 4096 })),
});

const schema = Compile(ResponsePayload);

export const RESPONSE_CHANNEL: Channel<CommandResponse> = {
  name: 'response',
  description: 'Answer to a command.',
  payload: ResponsePayload,
  reasons: {
    invalid_response: 'a response message does not fit its schema',
    unknown_command: 'a response names a command that was never sent to this device',
  },
  invalidReason: 'invalid_response',
  unclaimedReason: 'unknown_command',
  parse(value, { deviceId }) {
    const response = withoutNulls(value);
    return schema.Check(response)
      ? { deviceId, ...(response as Omit<CommandResponse, 'deviceId'>) }
      : 'invalid_response';
  },
};
