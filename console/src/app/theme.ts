import { type CSSVariablesResolver, createTheme, DEFAULT_THEME, type MantineColorsTuple } from '@mantine/core';
import { keepFocus } from './kept-focus.ts';

/** The colour of the logo. */
const petrol: MantineColorsTuple = [
  '#e6f6f9',
  '#d3e9ee',
  '#a6d2db',
  '#76bac8',
  '#50a6b7',
  '#3899ad',
  '#2a93a8',
  '#187f93',
  '#0b7184',
  '#0f5c6e',
];

/** Mantine's, but the darkest holds 4.5 : 1 under white. */
const orange = DEFAULT_THEME.colors.orange.with(9, '#bf3f0c') as unknown as MantineColorsTuple;

export const theme = createTheme({
  primaryColor: 'petrol',
  primaryShade: { light: 9, dark: 7 },
  colors: { petrol, orange },
  autoContrast: true,
  luminanceThreshold: 0.32,
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Menu: { defaultProps: { returnFocus: true } },
    Modal: { defaultProps: { onExitTransitionEnd: keepFocus } },
    Drawer: { defaultProps: { onExitTransitionEnd: keepFocus } },
    Table: { defaultProps: { highlightOnHover: true, verticalSpacing: 6 } },
    Badge: { defaultProps: { variant: 'filled', radius: 'sm' } },
    Tooltip: { defaultProps: { withArrow: true, events: { hover: true, focus: true, touch: true } } },
  },
});

/** Mantine's defaults fall short of 4.5 : 1 here. */
export const contrast: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#5c636b',
    '--mantine-color-placeholder': '#6b727a',
    '--mantine-color-error': '#c92a2a',
    '--mantine-color-anchor': 'var(--mantine-color-petrol-9)',
  },
  dark: {
    '--mantine-color-dimmed': '#a6adb4',
    '--mantine-color-placeholder': '#a6adb4',
    '--mantine-color-error': '#ff8787',
    '--mantine-color-anchor': 'var(--mantine-color-petrol-3)',
  },
});
