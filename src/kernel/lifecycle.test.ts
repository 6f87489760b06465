import { describe, expect, test } from 'vitest';
import { type Component, createLifecycle } from './lifecycle.ts';
import { type Logger, silentLogger } from './logger.ts';

function setup(deadlines = { startDeadlineMs: 5_000, stopDeadlineMs: 5_000 }) {
  const log: string[] = [];
  const errors: object[] = [];
  const logger: Logger = { ...silentLogger, error: (fields) => void errors.push(fields) };
  const part = (name: string, change: Partial<Component> = {}): Component => ({
    name,
    start: async () => void log.push(`start ${name}`),
    stop: async () => void log.push(`stop ${name}`),
    ...change,
  });
  const lifecycle = (...components: readonly Component[]) => createLifecycle(components, { logger, ...deadlines });
  return { log, errors, part, lifecycle };
}
const forever = () => new Promise<void>(() => {});

describe('lifecycle', () => {
  test('starts in order, stops in reverse', async () => {
    const { log, part, lifecycle } = setup();
    const all = lifecycle(part('a'), part('b'), { name: 'nothing to do' }, part('c'));
    await all.start();
    await all.stop();
    expect(log).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
  });

  test('the next one starts only when the one before has started', async () => {
    const { log, part, lifecycle } = setup();
    const slow = part('a', {
      start: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        log.push('start a');
      },
    });
    await lifecycle(slow, part('b')).start();
    expect(log).toEqual(['start a', 'start b']);
  });

  test('one that fails to start stops itself and those before it, and the reason is thrown', async () => {
    const { log, part, lifecycle } = setup();
    const reason = new Error('port taken');
    const failing = part('b', { start: () => Promise.reject(reason) });
    await expect(lifecycle(part('a'), failing, part('c')).start()).rejects.toBe(reason);
    expect(log).toEqual(['start a', 'stop b', 'stop a']);
  });

  test('one that throws instead of rejecting is the same', async () => {
    const { log, part, lifecycle } = setup();
    const failing = part('b', {
      start: () => {
        throw new Error('at once');
      },
      stop: () => {
        throw new Error('at once, too');
      },
    });
    await expect(lifecycle(part('a'), failing).start()).rejects.toThrow('at once');
    expect(log).toEqual(['start a', 'stop a']);
  });

  test('one that does not start in time is told to give up', async () => {
    const { log, part, lifecycle } = setup({ startDeadlineMs: 20, stopDeadlineMs: 5_000 });
    let given: AbortSignal | undefined;
    const hanging = part('b', {
      start: (signal) => {
        given = signal;
        return forever();
      },
    });
    await expect(lifecycle(part('a'), hanging).start()).rejects.toThrow('b did not start in time');
    expect(given?.aborted).toBe(true);
    expect(log).toEqual(['start a', 'stop b', 'stop a']);
  });

  test('one that fails or hangs while stopping is logged and the others are stopped', async () => {
    const { log, errors, part, lifecycle } = setup({ startDeadlineMs: 5_000, stopDeadlineMs: 20 });
    const failing = part('c', { stop: () => Promise.reject(new Error('stuck')) });
    const hanging = part('b', { stop: forever });
    const all = lifecycle(part('a'), hanging, failing);
    await all.start();
    await all.stop();
    expect(log).toContain('stop a');
    expect(errors).toMatchObject([{ component: 'c' }, { component: 'b' }]);
  });

  test('stopping twice, also at the same time, stops once', async () => {
    const { log, part, lifecycle } = setup();
    const all = lifecycle(part('a'));
    await all.start();
    await Promise.all([all.stop(), all.stop()]);
    await all.stop();
    expect(log).toEqual(['start a', 'stop a']);
  });

  test('stopping while it starts: what has not started does not start any more', async () => {
    const { log, part, lifecycle } = setup();
    const { promise, resolve } = Promise.withResolvers<void>();
    const slow = part('a', {
      start: async () => {
        await promise;
        log.push('start a');
      },
    });
    const all = lifecycle(slow, part('b'));
    const starting = all.start().catch((error: Error) => error.message);
    const stopping = all.stop();
    resolve();
    expect(await starting).toBe('stopped while starting');
    await stopping;
    expect(log).not.toContain('start b');
    expect(log).toContain('stop a');
    expect(log).not.toContain('stop b');
    await expect(all.start()).rejects.toThrow('stopped while starting');
  });
});
