import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { temporaryFolder } from '#test/support/folders.ts';
import { loadConfig } from '../config.ts';
import type { Settings } from '../settings.ts';
import { createSuperuser } from './create-superuser.ts';
import { withRelationalStore } from './relational.ts';

const EMAIL = 'kim@example.com';

let folder: ReturnType<typeof temporaryFolder>;
let settings: Settings;
beforeEach(() => {
  folder = temporaryFolder();
  settings = loadConfig({ DATA_DIR: folder.path });
});
afterEach(() => {
  vi.restoreAllMocks();
  folder.remove();
});

/** What the command prints. */
async function run(...args: readonly string[]): Promise<string> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  await createSuperuser.run(args, settings);
  return text;
}
const mayLogIn = (password: string) =>
  withRelationalStore(settings, ({ users }) => users.verifyPassword({ email: EMAIL, password }));

test('the first time it creates, with the password given or a new one, and the second time it finds', async () => {
  expect(await run(EMAIL, 'correct horse')).toBe(`Created SUPERADMIN ${EMAIL}.\n`);
  expect(await run(EMAIL, 'correct horse')).toBe(`There is already the SUPERADMIN ${EMAIL}.\n`);
  const generated = /Password: (\S+) /.exec(await run('other@example.com'))?.[1] ?? '';
  expect(generated).toHaveLength(24);
});

test('the password of a user who exists is reset only with --reset-password', async () => {
  await run(EMAIL, 'correct horse');
  for (const args of [[EMAIL, 'another horse'], [EMAIL]]) {
    await expect(run(...args)).rejects.toThrow(
      `${EMAIL} is a SUPERADMIN already, with another password; nothing was changed. ` +
        'To make it a SUPERADMIN with a new password: --reset-password',
    );
  }
  expect(await mayLogIn('correct horse')).not.toBeNull();
  expect(await run(EMAIL, 'another horse', '--reset-password')).toBe(`Updated SUPERADMIN ${EMAIL}.\n`);
  expect(await mayLogIn('another horse')).not.toBeNull();
  expect(await mayLogIn('correct horse')).toBeNull();
});
