import { type Static, Type } from 'typebox';
import { Strict } from '#platform/http/http.schemas.ts';
import type { LiveCommand, LiveEvent } from '#platform/realtime/live-event.port.ts';
import type { CommandChanged } from './commands.events.ts';
import type { Command } from './commands.ports.ts';
import { CommandBody, CommandView } from './commands.schemas.ts';

/** The namespace of those who send commands. */
export const DEVICE_NAMESPACE = '/device';

const deviceUid = Type.String({ minLength: 1, maxLength: 64, description: 'Uid of the device' });

export const WatchBody = Strict({ device_uid: deviceUid });

export const WATCH_COMMANDS: LiveCommand = {
  namespace: DEVICE_NAMESPACE,
  names: ['subscribe', 'unsubscribe'],
  payload: WatchBody,
  description: 'Begins or ends watching the commands of one device. For MANAGEMENT and the owner.',
};

const { command, params, ttl_seconds } = CommandBody.properties;
export const SendBody = Strict({
  device_uid: deviceUid,
  command,
  params,
  timeout_seconds: Type.Optional({ ...ttl_seconds, description: 'As `ttl_seconds` of `POST …/commands`' }),
});

export const SEND_COMMAND: LiveCommand = {
  namespace: DEVICE_NAMESPACE,
  names: ['send_command'],
  payload: SendBody,
  description:
    'Sends a command to a device; answered `{ok: true, command_id}`. Its answer comes as `device_response` to whoever watches the device.',
};

export const LIVE_COMMAND: LiveEvent<typeof CommandView> = {
  namespace: DEVICE_NAMESPACE,
  name: 'command',
  payload: CommandView,
  description: 'A command after each transition, and after each progress that the device reports.',
};

const DeviceResponse = Strict('DeviceResponse', {
  device_uid: deviceUid,
  command_id: CommandView.properties.command_id,
  status: Type.Enum(['progress', 'success', 'error'], { description: 'As the device said it', examples: ['success'] }),
  progress: CommandView.properties.progress,
  result: CommandView.properties.result,
  error: CommandView.properties.error,
});

export const LIVE_RESPONSE: LiveEvent<typeof DeviceResponse> = {
  namespace: DEVICE_NAMESPACE,
  name: 'device_response',
  payload: DeviceResponse,
  description: 'What a device answered to a command.',
};

export function presentResponse(
  answered: Command,
  status: NonNullable<CommandChanged['said']>,
): Static<typeof DeviceResponse> {
  const { deviceUid: device_uid, commandId: command_id, progress, result, error } = answered;
  return { device_uid, command_id, status, progress, result, error };
}
