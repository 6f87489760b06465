import { SETTINGS } from './settings.ts';

/** docs/settings.md: every setting with its default, what it means and what is accepted. */
export function renderSettingsDocument(): string {
  return [
    '# Settings',
    '',
    'Written from the code by `npm run core -- openapi`. From the environment or a file `.env` in the folder of the project;',
    'the environment wins. The start checks all of them and lists every value that is not valid. Sign-in at providers has',
    'settings of its own, `OAUTH_<NAME>_…`: [sign-in.md](sign-in.md). What limits do: [limits.md](limits.md).',
    '',
    '| name | default | meaning | accepted |',
    '| --- | --- | --- | --- |',
    ...Object.entries(SETTINGS).map(
      ([name, { shown, description, accepted }]) =>
        `| \`${name}\` | ${shown === '' ? 'unset' : `\`${shown}\``} | ${cell(description)} | ${cell(accepted)} |`,
    ),
    '',
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
