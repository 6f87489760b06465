import { expect, test } from 'vitest';
import { loadConfig } from './config.ts';

const REDIS = { REDIS_URL: 'redis://localhost' };
const SECRET = { INTERNAL_SECRET: 'a secret between processes' };

test.each([
  [{ SMTP_URL: 'smtp://localhost' }, 'SMTP_URL and MAIL_FROM'],
  [{ MAIL_FROM: 'a@example.com' }, 'SMTP_URL and MAIL_FROM'],
  [{ WEBHOOK_URL: 'https://example.com/' }, 'WEBHOOK_URL and WEBHOOK_SECRET'],
  [{ WEBHOOK_SECRET: 'sixteen characters' }, 'WEBHOOK_URL and WEBHOOK_SECRET'],
  [{ NOTIFICATIONS_URL: 'http://localhost', ...SECRET }, 'accepted with INTERNAL_SECRET and REDIS_URL'],
  [{ NOTIFICATIONS_URL: 'http://localhost', ...REDIS }, 'accepted with INTERNAL_SECRET and REDIS_URL'],
  [{ SERVE_MODULE: 'notifications', ...REDIS }, 'accepted with INTERNAL_SECRET and REDIS_URL'],
  [
    { SERVE_MODULE: 'notifications', NOTIFICATIONS_URL: 'http://localhost', ...SECRET, ...REDIS },
    'accepted is one of them',
  ],
])('%j contradicts itself', (env, complaint) => {
  expect(() => loadConfig(env)).toThrow(complaint);
});

test.each([
  { MAIL_FROM: 'nobody' },
  { MAIL_FROM: 'a@example.com, b@example.com' },
  { MAIL_FROM: 'Name <a@example.com> <b@example.com>' },
  { MAIL_FROM: '"x" <a@example.com>' },
  { SMTP_URL: 'http://localhost' },
  { WEBHOOK_URL: 'ftp://example.com/' },
  { WEBHOOK_URL: 'https://example.com/,' },
  { WEBHOOK_SECRET: 'short' },
  { SERVE_MODULE: 'devices' },
  { NOTIFICATIONS_URL: 'inside:8000' },
])('%j is refused, and an address is not shown', (env) => {
  const [name = '', value = ''] = Object.entries(env)[0] ?? [];
  const attempt = () => loadConfig(env);
  expect(attempt).toThrow(`${name}=`);
  if (/URL|SECRET/.test(name)) expect(attempt).not.toThrow(value);
});

test('what belongs together is taken', () => {
  expect(
    loadConfig({
      SMTP_URL: 'smtp://me:secret@localhost:25',
      MAIL_FROM: 'core-api <no-reply@example.com>',
      WEBHOOK_URL: 'https://one.example/a, http://two.example:8080/b,https://one.example/a',
      WEBHOOK_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      NOTIFICATIONS_URL: 'http://notifications:8000',
      ...SECRET,
      ...REDIS,
    }),
  ).toMatchObject({
    MAIL_FROM: 'core-api <no-reply@example.com>',
    WEBHOOK_URL: ['https://one.example/a', 'http://two.example:8080/b'],
    SERVE_MODULE: null,
  });
  expect(loadConfig({ SERVE_MODULE: 'notifications', ...SECRET, ...REDIS }).SERVE_MODULE).toBe('notifications');
});
