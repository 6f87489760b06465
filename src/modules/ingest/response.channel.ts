import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Channel } from '#platform/channels/channel.port.ts';
import { isObject, withoutNulls } from '#platform/channels/payloads.port.ts';
import { Id, Strict } from '#platform/http/http.schemas.ts';

const MAX_ERROR = 4096;

const percent = Type.Number({ minimum: 0, maximum: 100, description: 'Percent done' });
const error = Type.String({ maxLength: MAX_ERROR, description: 'What went wrong, for people' });

const CommandAnswer = Strict({
  command_id: Type.String({ minLength: 1, maxLength: 64, description: 'The one that came with the command' }),
  status: Type.Enum(['progress', 'success', 'error']),
  progress: Type.Optional(percent),
  result: Type.Optional(Type.Unknown({ description: 'Any JSON' })),
  error: Type.Optional(error),
});

const FirmwareAnswer = Strict({
  campaign_id: { ...Id, description: 'The one that came with the offer' },
  status: Type.Enum(['downloading', 'downloaded', 'installing', 'success', 'error', 'rejected']),
  progress: Type.Optional(percent),
  error: Type.Optional(error),
});

interface FromDevice {
  readonly deviceId: number;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
}

/** A device's answer to a command. */
export type CommandResponse = FromDevice & Readonly<Static<typeof CommandAnswer>>;

/** A device's answer to a firmware offer. */
export type FirmwareResponse = FromDevice & Readonly<Static<typeof FirmwareAnswer>>;

/** `'command_id' in response` tells which. */
export type DeviceResponse = CommandResponse | FirmwareResponse;

const command = Compile(CommandAnswer);
const firmware = Compile(FirmwareAnswer);

/** Its sinks take what answers them, and leave the rest unclaimed. */
export const RESPONSE_CHANNEL: Channel<DeviceResponse> = {
  name: 'response',
  description: 'Answer to a command, or to a firmware offer.',
  payload: Type.Union([CommandAnswer, FirmwareAnswer]),
  reasons: {
    invalid_response: 'a response message does not fit its schema',
    unknown_command: 'a response names a command that was never sent to this device',
    late_response: 'a response to a command that has ended',
    unknown_campaign: 'a response names a campaign that has not released this device',
    late_campaign_response: 'a response to a campaign that has ended for this device',
  },
  invalidReason: 'invalid_response',
  unclaimedReason: 'unknown_command',
  parse(value, { deviceId, receivedAt }) {
    const response = withoutNulls(value);
    const answers = isObject(response) && 'campaign_id' in response ? firmware : command;
    return answers.Check(response) ? { deviceId, receivedAt, ...response } : 'invalid_response';
  },
};
