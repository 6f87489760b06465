import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTestDevice } from '#test/support/device-parts.ts';
import { createDeviceCommands } from './device-commands.ts';

const order = (command_id: string, command = 'open') => ({
  command_id,
  command,
  params: {},
  expires_at: '2999-01-01T00:00:00.000Z',
});
const success = (command_id: string, command = 'open') => ({
  command_id,
  status: 'success',
  result: { done: command },
});

describe('a simulated device and commands', () => {
  test('answers with progress, then with the result', async () => {
    const { parts, said } = createTestDevice();
    await createDeviceCommands(parts).receive(order('c1'));
    expect(said).toEqual([
      { channel: 'response', message: { command_id: 'c1', status: 'progress', progress: 50 } },
      { channel: 'response', message: success('c1') },
    ]);
  });

  test('measures what it sends as telemetry', async () => {
    const { parts, said } = createTestDevice({ model: 'thermometer' });
    await createDeviceCommands(parts).receive(order('c1', 'measure'));
    expect(said.map(({ message }) => message)).toEqual([
      {
        command_id: 'c1',
        status: 'success',
        result: { temperature: expect.any(Number), humidity: expect.any(Number) },
      },
    ]);
  });

  test('acts on each command once, in order, however often it comes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 20 }), async (ids) => {
        const { parts, said, events } = createTestDevice();
        const commands = createDeviceCommands(parts);
        await Promise.all(ids.map((id) => commands.receive(order(id))));
        const once = [...new Set(ids)];
        expect(events).toEqual(once.map((commandId) => ({ kind: 'command', commandId, outcome: 'success' })));
        const ends = said.filter(({ message }) => message['status'] === 'success');
        expect(ends.map(({ message }) => message['command_id'])).toEqual(ids);
      }),
    );
  });

  test('fails, or never answers, when it was told to', async () => {
    const failing = createTestDevice({ mishaps: ['command_fails'] });
    await createDeviceCommands(failing.parts).receive(order('c1'));
    expect(failing.said.at(-1)?.message).toEqual({
      command_id: 'c1',
      status: 'error',
      error: 'open did not work',
    });

    const silent = createTestDevice({ mishaps: ['command_unanswered'] });
    const commands = createDeviceCommands(silent.parts);
    await commands.receive(order('c1'));
    await commands.receive(order('c1'));
    await createDeviceCommands(silent.startAgain().parts).recover();
    expect(silent.said).toEqual([]);
    expect(silent.events).toEqual([{ kind: 'command', commandId: 'c1', outcome: 'unanswered' }]);
  });

  test('restarts after it has answered', async () => {
    const { parts, said, restarts } = createTestDevice();
    await createDeviceCommands(parts).receive(order('c1', 'reboot'));
    expect(said.at(-1)?.message).toEqual(success('c1', 'reboot'));
    expect(restarts).toEqual(['orderly']);
  });

  test('answers a command that a power cut has interrupted, and does not act on it again', async () => {
    const device = createTestDevice({ stepMs: 60_000 });
    const interrupted = createDeviceCommands(device.parts).receive(order('c1'));
    await expect.poll(() => device.parts.memory.commands.get('c1')).toBe('begun');
    device.cut();
    await expect(interrupted).rejects.toThrow();
    const after = device.startAgain();
    const commands = createDeviceCommands(after.parts);
    const answer = { command_id: 'c1', status: 'error', error: 'interrupted by a restart of the device' };
    await commands.recover();
    await commands.receive(order('c1'));
    expect(after.said.map(({ message }) => message)).toEqual([answer, answer]);
  });

  test('leaves what has expired, and what is no command', async () => {
    const { parts, said } = createTestDevice();
    const commands = createDeviceCommands(parts);
    await commands.receive({ ...order('c1'), expires_at: '2020-01-01T00:00:00.000Z' });
    await commands.receive({ command_id: 7 });
    expect(said).toEqual([]);
  });
});
