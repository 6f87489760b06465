import { randomBytes } from 'node:crypto';
import { readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from '#test/support/folders.ts';
import { createSecretBox } from './secret-box.ts';

let root: ReturnType<typeof temporaryFolder>;
let folder: string;
beforeEach(() => {
  root = temporaryFolder();
  folder = join(root.path, 'keys');
});
afterEach(() => root.remove());

const away = { kind: 'unavailable', code: 'config_key_away' };
const addKey = (name: string) => writeFileSync(join(folder, name), randomBytes(32).toString('base64'));

describe('secret box', () => {
  test('opens what it sealed, and makes its key with the first secret', async () => {
    const box = createSecretBox({ folder });
    await box.load();
    const sealed = await box.seal('비밀 "text"', 'a.key');
    expect(sealed).not.toContain('text');
    expect(await box.open(sealed, 'a.key')).toBe('비밀 "text"');
    expect(readdirSync(folder)).toEqual(['config-0001.key']);
    expect(statSync(join(folder, 'config-0001.key')).mode & 0o777).toBe(0o600);
  });

  test('the same text is sealed differently each time', async () => {
    const box = createSecretBox({ folder });
    expect(await box.seal('x', 'k')).not.toBe(await box.seal('x', 'k'));
  });

  test('what was sealed for one key opens for no other', async () => {
    const box = createSecretBox({ folder });
    const sealed = await box.seal('x', 'mine');
    await expect(box.open(sealed, 'yours')).rejects.toMatchObject(away);
  });

  test('refuses what was changed or cut short', async () => {
    const box = createSecretBox({ folder });
    const sealed = await box.seal('a longer text', 'k');
    const [version, id, iv, data = ''] = sealed.split('.');
    const flipped = Buffer.from(data, 'base64url');
    flipped.writeUInt8(flipped.readUInt8(0) ^ 1, 0);
    const changed = [version, id, iv, flipped.toString('base64url')].join('.');
    for (const bad of [changed, sealed.slice(0, -30), [version, id, iv].join('.'), `v2${sealed.slice(2)}`, '']) {
      await expect(box.open(bad, 'k')).rejects.toMatchObject(away);
    }
  });

  test('processes that begin together share one key', async () => {
    const boxes = Array.from({ length: 8 }, () => createSecretBox({ folder }));
    const sealed = await Promise.all(boxes.map((box, index) => box.seal(String(index), 'k')));
    for (const [index, text] of sealed.entries()) {
      expect(await (boxes[(index + 1) % 8] as (typeof boxes)[number]).open(text, 'k')).toBe(String(index));
    }
    expect(readdirSync(folder)).toEqual(['config-0001.key']);
  });

  test('rotation: the last key seals, the former still opens, a replica learns of it by itself', async () => {
    const one = createSecretBox({ folder });
    const old = await one.seal('old', 'k');
    const two = createSecretBox({ folder });
    await two.load();
    addKey('config-0002.key');
    await one.load();
    const fresh = await one.seal('fresh', 'k');
    expect(one.isCurrent(old)).toBe(false);
    expect(one.isCurrent(fresh)).toBe(true);
    expect(await one.open(old, 'k')).toBe('old');
    expect(await two.open(fresh, 'k')).toBe('fresh');
  });

  test('without the key nothing opens, and the answer names no path', async () => {
    const sealed = await createSecretBox({ folder }).seal('x', 'k');
    renameSync(join(folder, 'config-0001.key'), join(folder, 'elsewhere'));
    const error = await createSecretBox({ folder })
      .open(sealed, 'k')
      .catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject(away);
    expect((error as Error).message).not.toContain(folder);
  });

  test('a file that is no key is refused', async () => {
    await createSecretBox({ folder }).seal('x', 'k');
    writeFileSync(join(folder, 'config-0002.key'), 'too short');
    await expect(createSecretBox({ folder }).load()).rejects.toMatchObject(away);
  });

  test('where no key can be made no secret is taken', async () => {
    writeFileSync(folder, 'a file where the folder should be');
    await expect(createSecretBox({ folder }).seal('x', 'k')).rejects.toMatchObject(away);
  });
});
