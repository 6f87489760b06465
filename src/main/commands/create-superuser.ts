import { createSecret } from '#kernel/ids.ts';
import { type Command, print, UsageError } from './command.ts';
import { withRelationalStore } from './relational.ts';

export const createSuperuser: Command = {
  usage: '<email> [password]',
  summary: 'Makes sure that a SUPERADMIN with this e-mail exists. Without a password one is generated and printed.',
  async run([email, given, ...rest], settings) {
    if (email === undefined || rest.length > 0) throw new UsageError('Give an e-mail and at most one password.');
    const password = given ?? createSecret(18);
    const { created } = await withRelationalStore(settings, ({ users }) => users.ensureSuperuser({ email, password }));
    print(`${created ? 'Created' : 'Updated'} SUPERADMIN ${email}.`);
    if (given === undefined) print(`Password: ${password}   (shown only now)`);
  },
};
