import { hostname } from 'node:os';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { CONSOLE_PAGES } from '../support/console-pages.ts';
import { consoleStage } from '../support/console-stage.ts';
import { englishOn } from '../support/english-left.ts';
import { furnishInKorean, type KoreanInstallation } from '../support/korean-installation.ts';
import { describeWithServers } from '../support/servers.ts';

const DATA = new Set([
  // What devices of the installation call things: metrics, commands, kinds of devices, events, fields of a configuration.
  ...['temperature', 'rpm', 'spin', 'dim', 'blink', 'water', 'pump', 'sensor', 'lamp', 'boot', 'interval', 'limits'],
  ...['high', 'site', 'key', 'true', 'false'],
  // Of whom the browser is, and where the server runs.
  ...['admin', 'AD', 'node', 'Chrome', 'Linux', ...hostname().split(/\W+/)],
  // Examples of what to type.
  ...['thermometer', 'greenhouse'],
]);

/** Forms that open with their page, and whether they may be sent as they are, to be refused. */
const FORMS = [
  ['/devices?dialog=register', true],
  ['/devices?dialog=import', false],
  ['/dashboards?dialog=new', false],
  ['/firmware?dialog=upload', true],
  ['/claims?dialog=new', true],
  ['/groups?dialog=new', true],
  ['/users?dialog=new', true],
  ['/configs?dialog=new', true],
  ['/account?dialog=token', true],
] as const;

/** Buttons that open a dialog, a menu or a list. */
const OPENERS = [
  ['/', '검색하거나 이동하기…'],
  ['/', '계정'],
  ['/alerts', '심각도'],
  ['/alerts', '담당자'],
  ['/alerts', '이 경보 모두 확인'],
  ['/rules', '조건'],
  ['/rules/1', '삭제'],
  ['/dashboards', '보기'],
  ['/dashboards', '열'],
  ['/dashboards/1', '차트 작업'],
  ['/devices', '구성'],
  ['/devices/1', '수정'],
  ['/devices/1', '작업'],
  ['/devices/1', 'rpm 작업'],
  ['/devices/1?tab=config', '현재와 비교'],
  ['/devices/1?tab=config', '되돌리기'],
  ['/devices/1?tab=connection', '시크릿 재발급'],
  ['/groups', '온실'],
  ['/firmware', '2.0.0'],
  ['/campaigns/1', '중단'],
  ['/users', 'mina@example.com'],
  ['/jobs', 'cleanup_expired_tokens 지금 실행'],
  ['/configs', 'site.key'],
  ['/audit', '동작'],
  ['/account', '켜기'],
  ['/account', '모든 곳에서 로그아웃'],
] as const;

const OPENED = ':is([role=dialog], [role=menu], [role=listbox]):visible';

await describeWithServers(['chromium'], (servers) => {
  describe('the console in Korean', () => {
    const stage = consoleStage(servers.chromium.url);
    let page: Page;
    let furnished: KoreanInstallation;

    beforeAll(async () => {
      furnished = await furnishInKorean(stage);
      // High enough that nothing has to be scrolled to.
      ({ page } = await stage.open('/', { locale: 'ko-KR', viewport: { width: 1280, height: 2_000 } }));
    });

    const english = () => englishOn(page, DATA);

    test('the way in says nothing in English, nor why it lets nobody in', async () => {
      const { page: outside } = await stage.consoles().open({ locale: 'ko-KR' });
      await outside.goto(`${stage.server().httpUrl}/admin`);
      await outside.locator('input[type=email]').fill('uma@example.com');
      await outside.locator('input[autocomplete=current-password]').fill('wrong password');
      expect(await englishOn(outside, DATA)).toEqual([]);
      await outside.locator('button[type=submit]').click();
      await outside.getByText('이메일 주소나 비밀번호가 맞지 않습니다').waitFor();
      expect(await englishOn(outside, DATA)).toEqual([]);
    });

    test.each(CONSOLE_PAGES)('%s says nothing in English', async (path) => {
      await stage.visit(page, path);
      expect(await english()).toEqual([]);
    });

    test('nor does a page about a record', async () => {
      const left: Record<string, readonly string[]> = {};
      for (const path of furnished.pages) {
        await stage.visit(page, path);
        left[path] = await english();
      }
      expect(left).toEqual(Object.fromEntries(furnished.pages.map((path) => [path, []])));
    });

    test.each(FORMS)('%s says nothing in English, nor why it was refused', async (path, isSent) => {
      await stage.visit(page, path);
      const form = page.getByRole('dialog');
      await form.waitFor();
      expect(await english()).toEqual([]);
      if (!isSent) return;
      await form.locator('button[type=submit]').click();
      await form.locator('[aria-invalid=true], [role=alert]').first().waitFor();
      expect(await english()).toEqual([]);
    });

    test('the API refuses in Korean, beside the field', async () => {
      await stage.visit(page, '/devices?dialog=register');
      const form = page.getByRole('dialog');
      await form.getByLabel('이름').fill('펌프');
      await form.getByLabel('종류').fill('pump');
      for (const [uid, refusal] of [
        ['pump-1', '다른 디바이스가 이미 사용 중인 UID입니다.'],
        ['pump 1', '영문자나 숫자로 시작하는 1~64자의 영문자, 숫자, `_`, `-`만 허용됩니다'],
      ] as const) {
        await form.getByLabel('UID').fill(uid);
        await form.locator('button[type=submit]').click();
        await form.getByText(refusal).waitFor();
        expect(await english()).toEqual([]);
      }
    });

    test.each(OPENERS)('%s: what “%s” opens says nothing in English', async (path, name) => {
      await stage.visit(page, path);
      await page.getByRole('button', { name, exact: true }).first().click();
      await page.locator(OPENED).first().waitFor();
      expect(await english()).toEqual([]);
    });

    test('English is found in a text, in a name, and beside Korean', async () => {
      await stage.visit(page, '/groups');
      await page.evaluate(`document.querySelector('h1').insertAdjacentHTML('afterend',
        '<p title="Close">닫기</p><p>Nothing found</p><p>목록 is empty</p><p>JSON 1.5 MB</p><p>응답까지 1 h</p><p hidden>Unseen</p>')`);
      expect(await english()).toEqual(['Nothing found', '목록 is empty', '응답까지 1 h', 'title: Close']);
    });
  });
});
