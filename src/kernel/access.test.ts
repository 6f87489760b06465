import { expect, test } from 'vitest';
import { ADMINS, isManagement, MANAGEMENT, outranks, USER_ROLES } from './access.ts';

test('roles are ranked SUPERADMIN > ADMIN > MANAGER > USER > DEVICE', () => {
  const order = [...USER_ROLES, 'DEVICE'] as const;
  for (const [i, high] of order.entries()) {
    for (const [j, low] of order.entries()) expect(outranks(high, low), `${high} over ${low}`).toBe(i < j);
  }
  expect(order.filter(isManagement)).toEqual([...MANAGEMENT]);
  expect(ADMINS).toEqual(['SUPERADMIN', 'ADMIN']);
});
