import { Text, Tooltip } from '@mantine/core';
import { useEffect, useState } from 'react';
import { type Language, useLanguage } from './language.tsx';

const UNITS: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, ms: number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
];

export function formatInstant(at: string | number, language: Language): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(at));
}

export function formatAgo(at: string | number, language: Language, now = Date.now()): string {
  const ahead = new Date(at).getTime() - now;
  // What has just come is not of the future, although the server's clock may be a little ahead of this one.
  const passed = ahead > 0 && ahead < 5_000 ? 0 : ahead;
  const [unit, ms] = UNITS.find((each) => Math.abs(passed) >= each[1]) ?? (['second', 1_000] as const);
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  return format.format(Math.trunc(passed / ms), unit);
}

const INSTANT = /\d{4}-\d{2}-\d{2}T[\d:.]+Z/g;

/** A sentence of the API with its times as the viewer's clock tells them. */
export function withLocalTimes(sentence: string, language: Language): string {
  return sentence.replaceAll(INSTANT, (at) => formatInstant(at, language));
}

/** How long something took, in the largest unit that it fills: `1.4 sec`. */
export function formatSpan(ms: number, language: Language): string {
  const [unit, size] = UNITS.find((each) => ms >= each[1]) ?? (['millisecond', 1] as const);
  return new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: 1 }).format(ms / size);
}

/** A time that somebody has set, in the largest unit that comes out even: `90 min`. */
export function formatSeconds(seconds: number, language: Language): string {
  const [unit, size] = UNITS.find((each) => (seconds * 1_000) % each[1] === 0) ?? (['second', 1_000] as const);
  return new Intl.NumberFormat(language, { style: 'unit', unit }).format((seconds * 1_000) / size);
}

const BYTE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

export function formatBytes(bytes: number, language: Language): string {
  const step = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), BYTE_UNITS.length - 1);
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit: BYTE_UNITS[step] ?? 'byte',
    maximumFractionDigits: 1,
  }).format(bytes / 1_000 ** step);
}

/** The present time, that moves: every second by default. */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** A time in the viewer's zone, or how long ago; UTC on hover. */
export function Instant({ at, ago = false }: { readonly at: string | null | undefined; readonly ago?: boolean }) {
  const { language } = useLanguage();
  useNow(ago ? 5_000 : 3_600_000);
  if (at === null || at === undefined)
    return (
      <Text span c="dimmed" inherit>
        –
      </Text>
    );
  return (
    <Tooltip label={ago ? `${formatInstant(at, language)} · ${at}` : at} openDelay={300}>
      <time dateTime={at}>{ago ? formatAgo(at, language) : formatInstant(at, language)}</time>
    </Tooltip>
  );
}
