import {
  IconAdjustments,
  IconBell,
  IconBolt,
  IconChartLine,
  IconCpu,
  IconFileCertificate,
  IconFolders,
  IconGauge,
  IconHistory,
  IconKey,
  IconLayoutDashboard,
  IconPackage,
  IconReportAnalytics,
  IconRocket,
  IconServer,
  IconSettings,
  IconTerminal2,
  IconUsers,
} from '@tabler/icons-react';
import type { ComponentType } from 'react';
import { defineTexts } from '#console/i18n/texts.ts';
import { isAtLeast, type Role } from '#console/session/session.ts';

export const navigationTexts = defineTexts({
  en: {
    watch: 'Watch',
    fleet: 'Fleet',
    operate: 'Operate',
    overview: 'Overview',
    explore: 'Explore',
    dashboards: 'Dashboards',
    alerts: 'Alerts',
    rules: 'Alert rules',
    devices: 'Devices',
    groups: 'Groups',
    commands: 'Commands',
    firmware: 'Firmware',
    campaigns: 'Roll-outs',
    claims: 'Claims',
    certificates: 'Certificates',
    users: 'Users',
    results: 'Reports',
    notifications: 'Notifications',
    configs: 'Values',
    audit: 'Audit trail',
    jobs: 'Jobs',
    system: 'System',
  },
  ko: {
    watch: '살펴보기',
    fleet: '디바이스 운영',
    operate: '시스템',
    overview: '개요',
    explore: '탐색',
    dashboards: '대시보드',
    alerts: '경보',
    rules: '경보 규칙',
    devices: '디바이스',
    groups: '그룹',
    commands: '명령',
    firmware: '펌웨어',
    campaigns: '배포',
    claims: '클레임',
    certificates: '인증서',
    users: '사용자',
    results: '보고서',
    notifications: '알림',
    configs: '설정값',
    audit: '감사 기록',
    jobs: '작업',
    system: '시스템 정보',
  },
});

type NavigationKey = keyof (typeof navigationTexts)['en'];

export interface Place {
  readonly to: string;
  readonly text: NavigationKey;
  readonly section: 'watch' | 'fleet' | 'operate';
  readonly icon: ComponentType<{ size?: number; stroke?: number }>;
  /** Who sees it: this role and those above. */
  readonly least: Role;
}

/** Every page of the side bar, in order. A page that is not built yet is not here. */
const PLACES: readonly Place[] = [
  { to: '/', text: 'overview', section: 'watch', icon: IconGauge, least: 'USER' },
  { to: '/explore', text: 'explore', section: 'watch', icon: IconChartLine, least: 'MANAGER' },
  { to: '/dashboards', text: 'dashboards', section: 'watch', icon: IconLayoutDashboard, least: 'USER' },
  { to: '/alerts', text: 'alerts', section: 'watch', icon: IconBell, least: 'USER' },
  { to: '/rules', text: 'rules', section: 'watch', icon: IconAdjustments, least: 'USER' },
  { to: '/devices', text: 'devices', section: 'fleet', icon: IconCpu, least: 'USER' },
  { to: '/groups', text: 'groups', section: 'fleet', icon: IconFolders, least: 'USER' },
  { to: '/commands', text: 'commands', section: 'fleet', icon: IconTerminal2, least: 'MANAGER' },
  { to: '/firmware', text: 'firmware', section: 'fleet', icon: IconPackage, least: 'MANAGER' },
  { to: '/campaigns', text: 'campaigns', section: 'fleet', icon: IconRocket, least: 'MANAGER' },
  { to: '/claims', text: 'claims', section: 'fleet', icon: IconKey, least: 'MANAGER' },
  { to: '/certificates', text: 'certificates', section: 'fleet', icon: IconFileCertificate, least: 'MANAGER' },
  { to: '/users', text: 'users', section: 'operate', icon: IconUsers, least: 'ADMIN' },
  { to: '/results', text: 'results', section: 'operate', icon: IconReportAnalytics, least: 'MANAGER' },
  { to: '/jobs', text: 'jobs', section: 'operate', icon: IconBolt, least: 'ADMIN' },
  { to: '/configs', text: 'configs', section: 'operate', icon: IconSettings, least: 'SUPERADMIN' },
  { to: '/audit', text: 'audit', section: 'operate', icon: IconHistory, least: 'ADMIN' },
  { to: '/system', text: 'system', section: 'operate', icon: IconServer, least: 'ADMIN' },
];

/** Whether a page is there for a role: what belongs to no place is there for everybody. */
export function mayOpen(role: Role, pathname: string): boolean {
  const place = PLACES.find(({ to }) => to !== '/' && (pathname === to || pathname.startsWith(`${to}/`)));
  return place === undefined || isAtLeast(role, place.least);
}

/** What a role sees: the rest is not there. */
export const placesOf = (role: Role): readonly Place[] => PLACES.filter(({ least }) => isAtLeast(role, least));
