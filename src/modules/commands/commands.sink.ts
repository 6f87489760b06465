import { type CommandResponse, type DeviceResponse, RESPONSE_CHANNEL } from '#modules/ingest/index.ts';
import type { DeviceRefusals } from '#platform/audit/audit.port.ts';
import type { Sink, SinkOutcome } from '#platform/channels/channel.port.ts';
import type { CommandRecorder, CommandSignalled, RecordOutcome } from './commands.recorder.ts';

const OUTCOMES: Readonly<Record<RecordOutcome, SinkOutcome>> = {
  applied: 'stored',
  repeated: 'stored',
  late: 'late_response',
  unknown: 'unknown_command',
};

/** Takes the answers to commands. */
export function createResponseSink(
  recorder: Pick<CommandRecorder, 'record'>,
  refusals: DeviceRefusals,
): Sink<DeviceResponse> {
  return {
    name: 'commands',
    channel: RESPONSE_CHANNEL,
    async apply(items) {
      const answers = items.flatMap((item, index) => ('command_id' in item ? [{ item, index }] : []));
      const outcomes = items.map((): SinkOutcome => 'unclaimed');
      if (answers.length === 0) return outcomes;
      const recorded = await recorder.record(answers.map(({ item }) => toSignal(item)));
      for (const [position, { item, index }] of answers.entries()) {
        const outcome = OUTCOMES[recorded[position] as RecordOutcome];
        outcomes[index] = outcome;
        if (outcome === 'stored') continue;
        const { deviceId, command_id } = item;
        refusals.note({ deviceId, action: 'command.response_refused', reason: outcome, details: { command_id } });
      }
      return outcomes;
    },
  };
}

function toSignal({
  command_id,
  deviceId,
  receivedAt,
  status,
  progress,
  result,
  error,
}: CommandResponse): CommandSignalled {
  const of = { commandId: command_id, deviceId, at: receivedAt };
  if (status === 'progress') return { ...of, signal: { kind: 'progress', percent: progress ?? null } };
  return {
    ...of,
    signal: { kind: 'response', isSuccess: status === 'success' },
    result: result ?? null,
    error: error ?? null,
  };
}
