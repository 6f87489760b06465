import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Language } from '#kernel/language.ts';
import type { Contact } from '#modules/users/index.ts';
import { createMailJobs } from '#platform/mail/mail.jobs.ts';
import type { MailMessage } from '#platform/mail/mail.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createTestClock, type TestClock } from '#test/support/clock.ts';
import { createJobsHarness, type JobsHarness } from '#test/support/jobs.ts';
import { createTestSql } from '#test/support/sql.ts';
import { notificationsMigrations } from '../migrations/index.ts';
import { createNotificationsJobs } from '../notifications.jobs.ts';
import type { MailContent } from './summaries.ports.ts';
import { createSummaryStore } from './summaries.repository.ts';
import { createSummaries, MOST_ITEMS, SUMMARY_WINDOW_MS, type Summaries } from './summaries.service.ts';

let clock: TestClock;
let sql: SqlStore;
let jobs: JobsHarness;
let mails: (MailMessage & { readonly at: number })[];
/** Two processes on one database. */
let processes: readonly [Summaries, Summaries];
/** Who is there, and verified. */
let people: Contact[];

const contact = (userId: number, language: Language = 'en'): Contact => ({
  ...{ userId, email: `user-${userId}@example.com`, isVerified: true, language },
});

beforeEach(async () => {
  clock = createTestClock();
  sql = await createTestSql(notificationsMigrations);
  jobs = createJobsHarness(clock);
  mails = [];
  people = [contact(1), contact(2, 'ko')];
  const open = () =>
    createSummaries({
      store: createSummaryStore(sql),
      users: { listContacts: async ({ ids = [] }) => people.filter(({ userId }) => ids.includes(userId)) },
      jobs: jobs.jobs,
      clock,
      options: { publicUrl: () => 'https://iot.example.com', timeZone: 'Asia/Seoul' },
    });
  processes = [open(), open()];
  jobs.define([
    ...createNotificationsJobs({} as never, {} as never, processes[1]),
    ...createMailJobs({
      ...{ name: 'mail', isConfigured: true, ping: async () => {} },
      send: async (mail) => void mails.push({ ...mail, at: clock.now() }),
    }),
  ]);
  await jobs.start();
});
afterEach(async () => {
  await jobs.stop();
  await sql.stop?.(AbortSignal.timeout(5_000));
});

const thing = (name: string, more: Partial<MailContent> = {}): MailContent => ({
  topic: 'alert_rule 5',
  opens: true,
  at: clock.now(),
  path: '/#alerts/7',
  texts: {
    en: { subject: `${name} is hot`, about: 'Too hot', text: `${name} is hot.` },
    ko: { subject: `${name} 고온`, about: '고온 경보', text: `${name} 온도가 높습니다.` },
  },
  ...more,
});
const add = (name: string, more: Partial<MailContent> = {}, by = 0, to = [contact(1)]) =>
  processes[by === 0 ? 0 : 1].add(to, `key of ${name}`, thing(name, more));
const subjects = () => mails.map(({ subject }) => subject);

describe('of a topic, a user gets one e-mail in five minutes', () => {
  test('the first thing at once, what follows together, with all that happened', async () => {
    await add('one');
    await jobs.runUntilIdle();
    expect(subjects()).toEqual(['one is hot']);
    expect(mails[0]?.text).toBe(
      'one is hot.\nTime: 23 Nov 2026, 09:00:00 GMT+9\nhttps://iot.example.com/#alerts/7\n\n' +
        'More about the same is summed up: one e-mail in five minutes at the most.\n',
    );
    for (const name of ['two', 'three']) {
      clock.advance(60_000);
      await add(name);
      await jobs.runUntilIdle();
    }
    expect(mails).toHaveLength(1);
    clock.advance(SUMMARY_WINDOW_MS - 120_000);
    await jobs.runUntilIdle();
    expect(subjects()).toEqual(['one is hot', 'Too hot: 2 messages']);
    expect(mails[1]?.text).toMatch(/two is hot\.[\s\S]*three is hot\./);
    // Then there is nothing more to tell, and the next is told at once again.
    clock.advance(2 * SUMMARY_WINDOW_MS);
    await jobs.runUntilIdle();
    expect(mails).toHaveLength(2);
    await add('four');
    await jobs.runUntilIdle();
    expect(subjects().at(-1)).toBe('four is hot');
  });

  test('however much there is to tell, by any number of processes', async () => {
    const started = clock.now();
    for (let index = 0; index < 600; index += 1) {
      await Promise.all([add(`a${index}`, {}, 0), add(`b${index}`, {}, 1)]);
      clock.advance(1_000);
      if (index % 10 === 0) await jobs.runUntilIdle();
    }
    clock.advance(SUMMARY_WINDOW_MS);
    await jobs.runUntilIdle();
    const times = mails.map(({ at }) => at);
    for (const [index, at] of times.entries()) {
      if (index > 0) expect(at - (times[index - 1] ?? 0)).toBeGreaterThanOrEqual(SUMMARY_WINDOW_MS);
    }
    expect(mails.length).toBeLessThanOrEqual((clock.now() - started) / SUMMARY_WINDOW_MS + 1);
    const told = subjects().map((subject) => Number(/: (\d+) messages/.exec(subject)?.[1] ?? 1));
    expect(told.reduce((sum, count) => sum + count, 0)).toBe(1_200);
    const [, second] = mails;
    expect(second?.text.match(/is hot\./g)).toHaveLength(MOST_ITEMS);
    expect(second?.text).toContain(`… and ${(told[1] ?? 0) - MOST_ITEMS} more.`);
    // What is kept is one row and not one for each.
    const rows = await sql
      .db<{ mail_summaries: { topic: string } }>()
      .selectFrom('mail_summaries')
      .selectAll()
      .execute();
    expect(rows).toHaveLength(1);
  });

  test('each user and each topic for itself, each in its language', async () => {
    await add('one', {}, 0, [contact(1), contact(2, 'ko')]);
    await add('other', { topic: 'alert_rule 6' });
    await jobs.runUntilIdle();
    expect(subjects().toSorted()).toEqual(['one is hot', 'one 고온', 'other is hot']);
    expect(mails.find(({ to }) => to === 'user-2@example.com')?.text).toContain('시각: 2026. 11. 23. 오전 9시 0분 0초');
  });
});

test('what is worth no e-mail of its own is told in one that is due anyway', async () => {
  await add('nothing', { opens: false });
  await add('one');
  await jobs.runUntilIdle();
  await add('an end', { opens: false });
  clock.advance(2 * SUMMARY_WINDOW_MS);
  await jobs.runUntilIdle();
  expect(subjects()).toEqual(['one is hot']);
  await add('two');
  await jobs.runUntilIdle();
  await add('three');
  await add('its end', { opens: false });
  clock.advance(SUMMARY_WINDOW_MS);
  await jobs.runUntilIdle();
  expect(subjects()).toEqual(['one is hot', 'two is hot', 'Too hot: 2 messages']);
});

test('a process that is killed anywhere tells everything, and the same thing once', async () => {
  const { enqueue } = jobs.jobs;
  const killed = createSummaries({
    store: createSummaryStore(sql),
    users: { listContacts: async () => people },
    jobs: { enqueue: () => Promise.reject(new Error('killed')) },
    clock,
    options: { publicUrl: () => '', timeZone: 'UTC' },
  });
  await expect(killed.add([contact(1)], 'key of one', thing('one'))).rejects.toThrow('killed');
  await jobs.runUntilIdle();
  expect(mails).toEqual([]);
  await add('one');
  const due = { user_id: 1, topic: 'alert_rule 5', due_at: clock.now() };
  // After it was closed, before there was a job of the mail; and again after that.
  await expect(killed.send(due)).rejects.toThrow('killed');
  await add('two');
  for (let times = 0; times < 3; times += 1) {
    await enqueue('send_mail_summary', due, { id: `again ${times}` });
    await add('one');
    await jobs.runUntilIdle();
  }
  clock.advance(SUMMARY_WINDOW_MS);
  await jobs.runUntilIdle();
  expect(subjects()).toEqual(['one is hot', 'two is hot']);
});

describe('an e-mail whose job is gone', () => {
  test('is sent with the next thing when the job was removed', async () => {
    await add('one');
    const [lost] = await jobs.all('send_mail_summary');
    expect(await jobs.jobs.remove('notifications', lost?.id ?? '')).toBe(true);
    await jobs.runUntilIdle();
    clock.advance(SUMMARY_WINDOW_MS + 1);
    await add('two');
    await jobs.runUntilIdle();
    expect(subjects()).toEqual(['Too hot: 2 messages']);
    expect(mails[0]?.text).toMatch(/one is hot\.[\s\S]*two is hot\./);
  });

  test('is sent when the same thing is told again after the job failed for good, once', async () => {
    await add('one');
    const { enqueue } = jobs.jobs;
    const [lost] = await jobs.all('send_mail_summary');
    // One that has ended is kept, so that its id makes no other; this one ends without sending anything.
    await jobs.jobs.remove('notifications', lost?.id ?? '');
    await enqueue('send_mail_summary', { user_id: 1, topic: 'gone', due_at: 1 }, { id: lost?.id ?? '' });
    await jobs.runUntilIdle();
    clock.advance(SUMMARY_WINDOW_MS + 1);
    await Promise.all([add('one'), add('one', {}, 1)]);
    await add('one', { opens: false });
    await jobs.runUntilIdle();
    expect(subjects()).toEqual(['one is hot']);
  });

  test('that is only late is sent once', async () => {
    await add('one');
    clock.advance(SUMMARY_WINDOW_MS + 1);
    await add('two');
    await jobs.runUntilIdle();
    clock.advance(SUMMARY_WINDOW_MS + 1);
    await jobs.runUntilIdle();
    expect(subjects()).toEqual(['Too hot: 2 messages']);
    expect(await jobs.all('send_mail_summary')).toHaveLength(2);
  });
});

test('nothing reaches whoever is gone, or whose address counts no longer, by then', async () => {
  await add('one');
  people = [{ ...contact(1), isVerified: false }];
  await jobs.runUntilIdle();
  await add('two');
  people = [];
  clock.advance(SUMMARY_WINDOW_MS);
  await jobs.runUntilIdle();
  expect(mails).toEqual([]);
});

test('a clock that was a day ahead holds nothing up afterwards', async () => {
  const now = clock.now();
  clock.set(now + 86_400_000);
  await add('one');
  await jobs.runUntilIdle();
  await add('two');
  clock.set(now);
  await add('three');
  await add('four');
  await jobs.runUntilIdle();
  clock.advance(2 * SUMMARY_WINDOW_MS);
  await jobs.runUntilIdle();
  expect(mails.length).toBeGreaterThanOrEqual(2);
  const all = mails.map(({ text }) => text).join();
  for (const name of ['one', 'two', 'three', 'four']) expect(all).toContain(`${name} is hot.`);
});
