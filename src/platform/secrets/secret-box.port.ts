import { commonErrors } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';

export { secretErrors } from './secrets.errors.ts';

/** Encrypts texts at rest. `context` is bound to it: what was sealed for one opens for no other. */
export interface SecretBox {
  /** Reads the keys from their folder, again at each call. @throws AppError `config_key_away` when it cannot be read */
  load(): Promise<void>;
  /**
   * Under the newest key; makes the first one when there is none.
   * @throws AppError `config_key_away` when there is none and none can be made
   */
  seal(text: string, context: string): Promise<string>;
  /** @throws AppError `config_key_away` for a key that is not in the folder, or a text that was changed */
  open(sealed: string, context: string): Promise<string>;
  /** Whether it was sealed under the newest key. False also before there is a key. */
  isCurrent(sealed: string): boolean;
}

/** Texts that a module has sealed, for sealing them anew. */
export interface SealedTexts {
  /** What they are, for the log: `secret configs`. */
  readonly what: string;
  /** All of them. */
  list(): Promise<readonly { readonly context: string; readonly sealed: string }[]>;
  /** Unless it is another one than `before` by now. */
  replace(context: string, before: string, after: string): Promise<void>;
}

interface Resealed {
  readonly resealed: number;
  /** The contexts of those that could not be opened. */
  readonly unreadable: readonly string[];
}

/** Seals anew whatever is not sealed under the newest key, so that an older one can be removed. */
async function reseal(box: SecretBox, texts: SealedTexts): Promise<Resealed> {
  await box.load();
  let resealed = 0;
  const unreadable: string[] = [];
  for (const { context, sealed } of (await texts.list()).filter((each) => !box.isCurrent(each.sealed))) {
    try {
      await texts.replace(context, sealed, await box.seal(await box.open(sealed, context), context));
      resealed += 1;
    } catch {
      unreadable.push(context);
    }
  }
  return { resealed, unreadable };
}

/** What a process with people does about them when it starts. @throws AppError `unavailable` when the keys cannot be read */
export async function resealAtStart(box: SecretBox, texts: SealedTexts, logger: Logger): Promise<void> {
  const { resealed, unreadable } = await reseal(box, texts).catch((error: unknown) => {
    const { cause } = error as { readonly cause?: Error };
    throw commonErrors.unavailable({ detail: `${texts.what}: ${cause?.message ?? String(error)}`, cause: error });
  });
  if (resealed > 0) logger.info({ count: resealed }, `${texts.what} were encrypted under the newest key`);
  if (unreadable.length > 0) {
    logger.error({ keys: unreadable }, `${texts.what} cannot be read: their key is not in the keys folder`);
  }
}
