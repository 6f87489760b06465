import {
  IconAdjustments,
  IconCpu,
  IconDeviceDesktop,
  IconFolders,
  IconKey,
  IconLanguage,
  IconLayoutDashboard,
  IconMoon,
  IconPackage,
  IconRocket,
  IconSun,
  IconTableImport,
  IconTerminal2,
  IconUser,
  IconUserPlus,
} from '@tabler/icons-react';
import type { ComponentType } from 'react';
import { defineTexts } from '#console/i18n/texts.ts';
import type { Role } from '#console/session/session.ts';

export const actionTexts = defineTexts({
  en: {
    register: 'Register a device',
    import: 'Import devices',
    rule: 'New alert rule',
    dashboard: 'New dashboard',
    command: 'Send a command to many devices',
    firmware: 'Upload firmware',
    campaign: 'New roll-out',
    claim: 'New claim',
    group: 'Add a group',
    user: 'Add a user',
    account: 'Account: password, second factor, tokens',
    light: 'Appearance: light',
    dark: 'Appearance: dark',
    auto: 'Appearance: as the system',
    language: 'Switch to Korean',
  },
  ko: {
    register: '디바이스 등록',
    import: '디바이스 가져오기',
    rule: '새 경보 규칙',
    dashboard: '새 대시보드',
    command: '여러 디바이스에 명령 보내기',
    firmware: '펌웨어 업로드',
    campaign: '새 배포',
    claim: '클레임 만들기',
    group: '그룹 추가',
    user: '사용자 추가',
    account: '계정: 비밀번호, 2단계 인증, 토큰',
    light: '화면 모드: 밝게',
    dark: '화면 모드: 어둡게',
    auto: '화면 모드: 시스템 설정',
    language: '영어로 바꾸기',
  },
});

type Does =
  | { readonly to: string; readonly search?: Readonly<Record<string, unknown>> }
  | { readonly scheme: 'light' | 'dark' | 'auto' }
  | { readonly isOtherLanguage: true };

export type Action = Does & {
  readonly text: keyof (typeof actionTexts)['en'];
  readonly icon: ComponentType<{ size?: number }>;
  /** Who has it: this role and those above. */
  readonly least: Role;
};

/** What one can do from anywhere. */
export const ACTIONS: readonly Action[] = [
  { text: 'register', icon: IconCpu, least: 'MANAGER', to: '/devices', search: { dialog: 'register' } },
  { text: 'import', icon: IconTableImport, least: 'MANAGER', to: '/devices', search: { dialog: 'import' } },
  { text: 'rule', icon: IconAdjustments, least: 'USER', to: '/rules/new' },
  { text: 'dashboard', icon: IconLayoutDashboard, least: 'USER', to: '/dashboards', search: { dialog: 'new' } },
  { text: 'command', icon: IconTerminal2, least: 'MANAGER', to: '/commands/send' },
  { text: 'firmware', icon: IconPackage, least: 'MANAGER', to: '/firmware', search: { dialog: 'upload' } },
  { text: 'campaign', icon: IconRocket, least: 'MANAGER', to: '/campaigns/new' },
  { text: 'claim', icon: IconKey, least: 'MANAGER', to: '/claims', search: { dialog: 'new' } },
  { text: 'group', icon: IconFolders, least: 'MANAGER', to: '/groups', search: { dialog: 'new' } },
  { text: 'user', icon: IconUserPlus, least: 'ADMIN', to: '/users', search: { dialog: 'new' } },
  { text: 'account', icon: IconUser, least: 'USER', to: '/account' },
  { text: 'light', icon: IconSun, least: 'USER', scheme: 'light' },
  { text: 'dark', icon: IconMoon, least: 'USER', scheme: 'dark' },
  { text: 'auto', icon: IconDeviceDesktop, least: 'USER', scheme: 'auto' },
  { text: 'language', icon: IconLanguage, least: 'USER', isOtherLanguage: true },
];
