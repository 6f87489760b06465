import { expect, test } from 'vitest';
import { sign } from './signature.ts';

test('as the example of Standard Webhooks', () => {
  const body = '{"test": 2432232314}';
  const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
  expect(sign('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', id, 1_614_265_330, body)).toBe(
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  );
});

test('id, time, body and secret all count', () => {
  const one = sign('a secret of ours', 'a', 1, '{}');
  expect(new Set([one, sign('a secret of ours', 'b', 1, '{}'), sign('a secret of ours', 'a', 2, '{}')]).size).toBe(3);
  expect(sign('a secret of ours', 'a', 1, '[]')).not.toBe(one);
  expect(sign('another secret', 'a', 1, '{}')).not.toBe(one);
});
