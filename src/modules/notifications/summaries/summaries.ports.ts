import type { Language } from '#kernel/language.ts';

/** What an e-mail says of one thing. */
export interface MailText {
  /** One line, when it is told alone. */
  readonly subject: string;
  readonly text: string;
}

/** One thing that is to be told by e-mail, in every language. */
export interface MailContent {
  /** What e-mails are summed up by: of a topic each user gets one in five minutes at the most. 64 characters. */
  readonly topic: string;
  /** Whether it is worth an e-mail; otherwise it is told in one that is due anyway. */
  readonly opens: boolean;
  /** When it happened, epoch milliseconds. */
  readonly at: number;
  /** Where it can be seen: what follows the public address of this system. */
  readonly path: string;
  /** `about` is the subject when several things of the topic are told. */
  readonly texts: Readonly<Record<Language, MailText & { readonly about: string }>>;
}

/** One thing in an e-mail, in the language of who gets it. */
export interface SummaryItem extends MailText {
  /** The same thing has the same key. */
  readonly key: string;
  readonly about: string;
}

/** An e-mail that is to be, or was, sent. Instants are epoch milliseconds. */
export interface MailSummary {
  readonly userId: number;
  readonly topic: string;
  readonly dueAt: number;
  /** The first of them, in order. */
  readonly items: readonly SummaryItem[];
  /** How many more there were. */
  readonly more: number;
  /** Since when nothing joins it. */
  readonly closedAt: number | null;
}

/** What makes one e-mail. */
export type SummaryKey = Pick<MailSummary, 'userId' | 'topic' | 'dueAt'>;

export interface SummaryWriter {
  /** What there is of each of these users, latest first. Up to a few hundred users. */
  ofTopic(topic: string, userIds: readonly number[]): Promise<ReadonlyMap<number, readonly MailSummary[]>>;
  find(key: SummaryKey): Promise<MailSummary | null>;
  insert(summary: MailSummary, at: number): Promise<void>;
  update(summary: MailSummary, at: number): Promise<void>;
  remove(key: SummaryKey): Promise<void>;
}

/** Serialisable, so that what several processes do at once comes one after the other. */
export interface SummaryStore {
  transaction<T>(work: (writer: SummaryWriter) => Promise<T>): Promise<T>;
  /** Those of the topic that are earlier, and whatever was closed before `closedBefore`. */
  removeEarlier(than: SummaryKey, closedBefore: number): Promise<void>;
}
