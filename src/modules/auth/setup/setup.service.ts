import { hkdfSync, timingSafeEqual } from 'node:crypto';
import type { RequestOrigin } from '#kernel/access.ts';
import { addressBlock } from '#kernel/addresses.ts';
import type { Attempts, NewUser, UsersApi } from '#modules/users/index.ts';
import { userErrors } from '#modules/users/index.ts';
import type { TokenPair } from '../auth.ports.ts';
import type { Opening } from '../sessions/opening.ts';
import type { SigningKeys } from '../signing-keys.ts';
import { createReadableCode, plainCode } from '../two-factor/recovery-codes.ts';
import { setupErrors } from './setup.errors.ts';

export interface SetupServiceDeps {
  readonly users: Pick<UsersApi, 'createFirst' | 'isEmpty' | 'findAccess'>;
  readonly keys: Pick<SigningKeys, 'all'>;
  readonly attempts: Attempts;
  readonly opening: Pick<Opening, 'open'>;
}

export type SetupService = ReturnType<typeof createSetupService>;

const WRONG = { failures: 10, windowMs: 15 * 60_000 } as const;
const CODE_BYTES = 10;

/**
 * The first user of an installation, made by whoever reads what the server prints. The code is derived (HKDF, RFC 5869)
 * from the first signing key, which all processes share: each prints the same one and takes it, and it is stored nowhere.
 * With the first user it is worth nothing.
 */
export function createSetupService({ users, keys, attempts, opening }: SetupServiceDeps) {
  /** There was a user: that never changes back. */
  let isDone = false;

  async function isNeeded(): Promise<boolean> {
    if (!isDone) isDone = !(await users.isEmpty());
    return !isDone;
  }

  function code(): string {
    const key = keys.all()[0];
    if (key === undefined) throw new Error('there is no signing key');
    const material = key.privateKey.export({ format: 'der', type: 'pkcs8' });
    return createReadableCode(Buffer.from(hkdfSync('sha256', material, '', 'core-api setup code', CODE_BYTES)));
  }

  function isRight(typed: string): boolean {
    const expected = Buffer.from(plainCode(code()));
    const given = Buffer.from(plainCode(typed));
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  return {
    isNeeded,

    /** What the server prints; null once there is a user. */
    code: async (): Promise<string | null> => ((await isNeeded()) ? code() : null),

    /**
     * Makes a SUPERADMIN and signs it in.
     * @throws AppError `setup_done`, `setup_code_refused`, `too_many_setup_codes`, `invalid_input`, `password_checks_busy`
     */
    async run(
      { code: typed, ...user }: Omit<NewUser, 'role'> & { readonly code: string },
      origin: RequestOrigin,
    ): Promise<TokenPair> {
      if (!(await isNeeded())) throw userErrors.setup_done();
      const limit = { key: `setup:${addressBlock(origin.ip)}`, ...WRONG };
      const admitted = await attempts.attempt([limit], async () => (isRight(typed) ? true : null));
      if (admitted === null) throw setupErrors.setup_code_refused();
      const { id, createdAt } = await users.createFirst(user, origin);
      const access = await users.findAccess(id);
      if (access === null) throw userErrors.setup_done();
      return await opening.open(access, createdAt, { method: 'setup', origin });
    },
  };
}
