import { parseArgs } from 'node:util';
import { isAppError } from '#kernel/errors.ts';
import { createSecret } from '#kernel/ids.ts';
import { StartError } from '../start-error.ts';
import { type Command, print, UsageError } from './command.ts';
import { withRelationalStore } from './relational.ts';

const DONE = { created: 'Created', exists: 'There is already the', updated: 'Updated' } as const;

export const createSuperuser: Command = {
  usage: '<email> [password] [--reset-password]',
  summary:
    'Makes sure that a SUPERADMIN with this e-mail and password exists. Without a password one is generated and printed. ' +
    'A user that exists is changed only with --reset-password: it becomes a SUPERADMIN with that password, and is signed ' +
    'out everywhere.',
  async run(args, settings) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { 'reset-password': { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    const [email, given, ...rest] = positionals;
    if (email === undefined || rest.length > 0) throw new UsageError('Give an e-mail and at most one password.');
    const password = given ?? createSecret(18);
    const resetPassword = values['reset-password'];
    const { outcome } = await withRelationalStore(settings, async ({ users }) => {
      try {
        return await users.ensureSuperuser({ email, password, resetPassword });
      } catch (error) {
        if (!isAppError(error) || error.code !== 'email_taken') throw error;
        throw new StartError(`${error.message} To make it a SUPERADMIN with a new password: --reset-password`);
      }
    });
    print(`${DONE[outcome]} SUPERADMIN ${email}.`);
    if (given === undefined) print(`Password: ${password}   (shown only now)`);
  },
};
