import { CLOCKS_DIFFER_MS, type Clock } from '#kernel/clock.ts';
import type { Contact, UsersApi } from '#modules/users/index.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import { stableId } from '../notifications.ports.ts';
import type { MailContent, MailSummary, SummaryItem, SummaryStore, SummaryWriter } from './summaries.ports.ts';
import { itemText, summaryText } from './summaries.texts.ts';

/** The data of the job `send_mail_summary`. */
export interface DueSummary {
  readonly user_id: number;
  readonly topic: string;
  readonly due_at: number;
}

export interface SummariesDeps {
  readonly store: SummaryStore;
  readonly users: Pick<UsersApi, 'listContacts'>;
  readonly jobs: JobQueue;
  readonly clock: Clock;
  readonly options: SummariesOptions;
}

export interface SummariesOptions {
  /** Where browsers reach this system, without a slash at the end. */
  readonly publicUrl: () => string;
  readonly timeZone: string;
}

/**
 * Sums up e-mails: of a topic, each user gets the first thing at once, and what follows together, five minutes after
 * the e-mail before. The state is in the database, and each e-mail has its own row, so that several processes, and one
 * that is killed anywhere, tell everything, and the same thing once.
 */
export interface Summaries {
  /** The contacts' addresses are theirs. Again with the same key changes nothing. */
  add(contacts: readonly Contact[], key: string, content: MailContent): Promise<void>;
  /** Makes the e-mail of what has come together. @returns whether there was somebody to send it to */
  send(due: DueSummary): Promise<boolean>;
}

/** From one e-mail of a topic to the next. */
export const SUMMARY_WINDOW_MS = 5 * 60_000;
/** Told in full; of the rest only the number. */
export const MOST_ITEMS = 20;
/** One that is due for longer, and open still, has no job any more, or none that anybody runs. */
const OVERDUE_MS = 5 * 60_000;
/** Rows of e-mails that are done: nobody asks for them once the window is over. */
const KEPT_MS = 3_600_000;

function withItems(summary: MailSummary, added: readonly SummaryItem[]): MailSummary {
  const items = [...summary.items, ...added];
  return {
    ...summary,
    items: items.slice(0, MOST_ITEMS),
    more: summary.more + Math.max(0, items.length - MOST_ITEMS),
  };
}

export function createSummaries({ store, users, jobs, clock, options }: SummariesDeps): Summaries {
  async function join(
    writer: SummaryWriter,
    all: readonly MailSummary[],
    { userId }: Contact,
    item: SummaryItem,
    { topic, opens }: MailContent,
  ): Promise<MailSummary | null> {
    const now = clock.now();
    // What is due later than that was stored while the clock was wrong.
    const isAhead = ({ dueAt }: MailSummary) => dueAt > now + SUMMARY_WINDOW_MS + CLOCKS_DIFFER_MS;
    const ahead = all.filter(isAhead);
    for (const each of ahead) await writer.remove(each);
    const kept = ahead.filter(({ closedAt }) => closedAt === null).flatMap(({ items }) => items);
    const known = all.filter((each) => !isAhead(each));

    const [latest] = known;
    const its = known.find(({ items }) => items.some(({ key }) => key === item.key));
    const isKnown = its !== undefined || kept.some(({ key }) => key === item.key);
    const added = isKnown ? kept : [...kept, item];
    if (latest !== undefined && latest.closedAt === null) {
      // A job that failed keeps its id, and one that was removed is made by nobody: a new row makes a new one, and the
      // old job, should there be one after all, finds nothing to send.
      if (latest.dueAt < now - OVERDUE_MS) {
        const anew = { ...withItems(latest, added), dueAt: now };
        await writer.remove(latest);
        await writer.insert(anew, now);
        return anew;
      }
      if (added.length > 0) await writer.update(withItems(latest, added), now);
      // A repetition: the process may have died before it had made the job.
      return its === latest ? latest : null;
    }
    if (its !== undefined && kept.length === 0) return null;
    if (!opens && kept.length === 0) return null;
    const notBefore = latest?.closedAt == null ? now : Math.min(latest.closedAt, now) + SUMMARY_WINDOW_MS;
    const dueAt = Math.max(now, notBefore, (latest?.dueAt ?? 0) + 1);
    const summary = withItems({ userId, topic, dueAt, items: [], more: 0, closedAt: null }, added);
    await writer.insert(summary, now);
    return summary;
  }

  return {
    async add(contacts, key, content) {
      const link = `${options.publicUrl()}${content.path}`;
      const waiting = await store.transaction(async (writer) => {
        const ids = contacts.map(({ userId }) => userId);
        const known = await writer.ofTopic(content.topic, ids);
        const opened: MailSummary[] = [];
        for (const contact of contacts) {
          const { language } = contact;
          const { subject, about, text } = content.texts[language];
          const { at } = content;
          const item = {
            key,
            subject,
            about,
            text: itemText(language, { text, at, link, timeZone: options.timeZone }),
          };
          const summary = await join(writer, known.get(contact.userId) ?? [], contact, item, content);
          if (summary !== null) opened.push(summary);
        }
        return opened;
      });
      for (const { userId, topic, dueAt } of waiting) {
        const id = stableId('send_mail_summary', userId, topic, dueAt);
        const data = { user_id: userId, topic, due_at: dueAt };
        await jobs.enqueue('send_mail_summary', data, { id, delayMs: Math.max(0, dueAt - clock.now()) });
      }
    },

    async send({ user_id: userId, topic, due_at: dueAt }) {
      const key = { userId, topic, dueAt };
      const summary = await store.transaction(async (writer) => {
        const found = await writer.find(key);
        if (found === null || found.closedAt !== null) return found;
        const closed = { ...found, closedAt: clock.now() };
        await writer.update(closed, clock.now());
        return closed;
      });
      if (summary === null) return false;
      const [contact] = await users.listContacts({ ids: [userId], afterId: 0, limit: 1 });
      const isTold = contact?.isVerified === true;
      if (isTold) {
        const mail = { to: contact.email, ...summaryText(contact.language, summary.items, summary.more) };
        await jobs.enqueue('send_email', mail, { id: stableId('send_email', userId, topic, dueAt) });
      }
      await store.removeEarlier(key, clock.now() - KEPT_MS);
      return isTold;
    },
  };
}
