import { fork } from 'node:child_process';
import { once } from 'node:events';

/**
 * Load generators and yardsticks run in processes of their own, so that none steals time from the event
 * loop of another. The protocol is one message each way: input → reply (a result, or "I am ready").
 */
export interface Child<Reply> extends AsyncDisposable {
  readonly pid: number;
  readonly reply: Reply;
}

type Envelope<Reply> = { readonly reply: Reply } | { readonly error: string };

/** Runs in the parent. @throws when the child fails or ends before it replied */
export async function startChild<Reply>(file: URL, input: unknown): Promise<Child<Reply>> {
  const child = fork(file, { execArgv: [], serialization: 'advanced' });
  const exited = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  child.send({ input });
  const envelope = await Promise.race([
    once(child, 'message').then(([message]) => message as Envelope<Reply>),
    exited.then((): Envelope<Reply> => ({ error: 'ended before it replied' })),
  ]);
  if ('error' in envelope || child.pid === undefined) {
    await stop();
    throw new Error(`${file.pathname.split('/').at(-1)}: ${'error' in envelope ? envelope.error : 'did not start'}`);
  }
  return { pid: child.pid, reply: envelope.reply, [Symbol.asyncDispose]: stop };
}

/** Runs a child to its result. */
export async function runChild<Reply>(file: URL, input: unknown): Promise<Reply> {
  await using child = await startChild<Reply>(file, input);
  return child.reply;
}

/** Runs in the child: answers the parent's one message, and never outlives the parent. */
export function answerParent<Input, Reply>(answer: (input: Input) => Promise<Reply>): void {
  process.once('disconnect', () => process.exit());
  process.once('message', (message: { readonly input: Input }) => {
    answer(message.input).then(
      (reply) => process.send?.({ reply }),
      (error: unknown) =>
        process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : `${error}` }),
    );
  });
}
