import type { UserRole } from '#kernel/access.ts';

/** What `core -- seed` makes. Names are what it knows them by when it runs again. */

export interface SamplePerson {
  readonly email: string;
  readonly role: UserRole;
  readonly fullName: string;
}

/** The first one makes everything else. */
export const PEOPLE = [
  { email: 'superadmin@example.com', role: 'SUPERADMIN', fullName: 'Seo Yuna' },
  { email: 'admin@example.com', role: 'ADMIN', fullName: 'Kim Minji' },
  { email: 'manager@example.com', role: 'MANAGER', fullName: 'Lee Jun' },
  { email: 'user@example.com', role: 'USER', fullName: 'Park Hana' },
] as const satisfies readonly SamplePerson[];

export const GROUPS = [
  { name: 'Greenhouse', description: 'Climate of the greenhouses' },
  { name: 'Pump house', description: 'Pumps and the power that they take' },
] as const;

type GroupName = (typeof GROUPS)[number]['name'];

export interface SampleDevice {
  readonly device_uid: string;
  readonly name: string;
  readonly device_type: string;
  readonly group: GroupName;
  /** E-mail of the person who owns it. */
  readonly owner?: (typeof PEOPLE)[number]['email'];
}

export const DEVICES: readonly SampleDevice[] = [
  {
    device_uid: 'greenhouse-01',
    name: 'Greenhouse 1, thermometer',
    device_type: 'thermometer',
    group: 'Greenhouse',
    owner: 'user@example.com',
  },
  { device_uid: 'greenhouse-02', name: 'Greenhouse 2, thermometer', device_type: 'thermometer', group: 'Greenhouse' },
  { device_uid: 'greenhouse-air', name: 'Greenhouse 1, air', device_type: 'air_quality', group: 'Greenhouse' },
  {
    device_uid: 'pump-01',
    name: 'Well pump',
    device_type: 'pump',
    group: 'Pump house',
    owner: 'manager@example.com',
  },
  { device_uid: 'pump-power', name: 'Power of the pump house', device_type: 'power_meter', group: 'Pump house' },
];

export interface SampleRule {
  readonly body: Readonly<Record<string, unknown>> & { readonly name: string };
  readonly scope: { readonly group: GroupName } | { readonly device_type: string };
}

export const RULES: readonly SampleRule[] = [
  {
    body: {
      name: 'Greenhouse too hot',
      metric: 'temperature',
      condition: 'gt',
      threshold: 35,
      clear_threshold: 32,
      for_seconds: 60,
      severity: 'CRITICAL',
    },
    scope: { group: 'Greenhouse' },
  },
  {
    body: {
      name: 'Thermometer silent',
      metric: 'temperature',
      condition: 'no_data',
      for_seconds: 600,
      severity: 'WARNING',
    },
    scope: { device_type: 'thermometer' },
  },
];
