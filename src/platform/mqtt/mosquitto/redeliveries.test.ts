import { describe, expect, test } from 'vitest';
import { Redeliveries } from './redeliveries.ts';

const payload = (text: string) => Buffer.from(text);

describe('Redeliveries', () => {
  test('what comes again under its id is the same message', () => {
    const redeliveries = new Redeliveries(10);
    const first = redeliveries.add(7, 'topic', payload('a'));
    expect(redeliveries.find(7, true, 'topic', payload('a'))).toBe(first);
  });

  test('not marked as sent again, another content, another topic, another id: another message', () => {
    const redeliveries = new Redeliveries(10);
    redeliveries.add(7, 'topic', payload('a'));
    expect(redeliveries.find(7, false, 'topic', payload('a'))).toBeUndefined();
    expect(redeliveries.find(7, true, 'topic', payload('b'))).toBeUndefined();
    expect(redeliveries.find(7, true, 'other', payload('a'))).toBeUndefined();
    expect(redeliveries.find(8, true, 'topic', payload('a'))).toBeUndefined();
  });

  test('long payloads are told apart by length, beginning and end', () => {
    const redeliveries = new Redeliveries(10);
    const long = Buffer.alloc(60_000, 'x');
    redeliveries.add(7, 'topic', long);
    const end = Buffer.from(long);
    end[59_999] = 0;
    expect(redeliveries.find(7, true, 'topic', end)).toBeUndefined();
    expect(redeliveries.find(7, true, 'topic', long.subarray(1))).toBeUndefined();
    expect(redeliveries.find(7, true, 'topic', long)).toBeDefined();
  });

  test('an id whose turn comes again is another message: what was lost on the way is not taken for it', () => {
    const redeliveries = new Redeliveries(10);
    redeliveries.add(7, 'topic', payload('20.5'));
    for (let id = 8; id < 20; id++) redeliveries.add(id, 'topic', payload('20.5'));
    expect(redeliveries.find(7, true, 'topic', payload('20.5'))).toBeUndefined();
    expect(redeliveries.find(15, true, 'topic', payload('20.5'))).toBeDefined();
  });

  test('a new session knows nothing', () => {
    const redeliveries = new Redeliveries(10);
    redeliveries.add(7, 'topic', payload('a'));
    redeliveries.clear();
    expect(redeliveries.find(7, true, 'topic', payload('a'))).toBeUndefined();
  });
});
