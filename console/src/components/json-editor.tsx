import { json, jsonParseLinter } from '@codemirror/lang-json';
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { linter, lintGutter } from '@codemirror/lint';
import { MergeView } from '@codemirror/merge';
import { tags } from '@lezer/highlight';
import { Box, useComputedColorScheme } from '@mantine/core';
import { EditorView, minimalSetup } from 'codemirror';
import { useEffect, useRef } from 'react';
import { common } from '#console/app/common.texts.ts';
import { useTexts } from '#console/i18n/texts.ts';

const INK = {
  light: { property: '#0f5c6e', string: '#2b6a1f', number: '#9c3d00', word: '#7b2d9b' },
  dark: { property: '#a6d2db', string: '#a9e34b', number: '#ffc078', word: '#d0bfff' },
};

/** What every editor and diff has: JSON in the colours of the scheme, and the nonce that styles need here. */
function look(scheme: 'light' | 'dark', label: string) {
  const ink = INK[scheme];
  const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
  return [
    minimalSetup,
    json(),
    syntaxHighlighting(
      HighlightStyle.define([
        { tag: tags.propertyName, color: ink.property },
        { tag: tags.string, color: ink.string },
        { tag: tags.number, color: ink.number },
        { tag: [tags.bool, tags.null], color: ink.word },
      ]),
    ),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': label }),
    EditorView.cspNonce.of(nonce),
    EditorView.theme(
      {
        '&': { color: 'var(--mantine-color-text)', fontSize: '13px' },
        '.cm-content': { fontFamily: 'var(--mantine-font-family-monospace)', caretColor: 'var(--mantine-color-text)' },
        '.cm-gutters': { backgroundColor: 'transparent', border: 'none' },
        '.cm-cursor': { borderLeftColor: 'var(--mantine-color-text)' },
        '.cm-tooltip': { backgroundColor: 'var(--mantine-color-body)', color: 'var(--mantine-color-text)' },
      },
      { dark: scheme === 'dark' },
    ),
  ];
}

/** An editor of JSON that says where it is none. `value` is what it begins with. */
export function JsonEditor({ value, label, onChange }: JsonEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const latest = useRef({ text: value, onChange });
  latest.current.onChange = onChange;
  const scheme = useComputedColorScheme('light');
  const message = useTexts(common)('not_json');
  useEffect(() => {
    if (host.current === null) return;
    const view = new EditorView({
      doc: latest.current.text,
      parent: host.current,
      extensions: [
        look(scheme, label),
        linter((view) => jsonParseLinter()(view).map((flaw) => ({ ...flaw, message }))),
        lintGutter(),
        EditorView.updateListener.of(({ docChanged, state }) => {
          if (!docChanged) return;
          latest.current.text = state.doc.toString();
          latest.current.onChange(latest.current.text);
        }),
      ],
    });
    view.focus();
    return () => view.destroy();
  }, [scheme, label, message]);
  return (
    <Box
      ref={host}
      bd="1px solid var(--mantine-color-default-border)"
      bdrs="md"
      mah={480}
      style={{ overflow: 'auto' }}
    />
  );
}

interface JsonEditorProps {
  readonly value: string;
  readonly label: string;
  readonly onChange: (text: string) => void;
}

/** Two JSON texts side by side, with what differs marked. */
export function JsonDiff({ left, right, label }: JsonDiffProps) {
  const host = useRef<HTMLElement>(null);
  const scheme = useComputedColorScheme('light');
  useEffect(() => {
    if (host.current === null) return;
    const extensions = (side: string) => [look(scheme, `${label}: ${side}`), EditorView.editable.of(false)];
    const view = new MergeView({
      a: { doc: left.text, extensions: extensions(left.label) },
      b: { doc: right.text, extensions: extensions(right.label) },
      parent: host.current,
    });
    return () => view.destroy();
  }, [left.text, right.text, left.label, right.label, scheme, label]);
  return (
    <Box
      ref={host}
      component="section"
      tabIndex={0}
      aria-label={label}
      bd="1px solid var(--mantine-color-default-border)"
      bdrs="md"
      mah={420}
      style={{ overflow: 'auto' }}
    />
  );
}

interface JsonDiffProps {
  readonly left: { readonly label: string; readonly text: string };
  readonly right: { readonly label: string; readonly text: string };
  readonly label: string;
}

/** Indented, with the names of every object in one order: what says the same looks the same. */
export function sortedJson(value: unknown): string {
  return JSON.stringify(sorted(value), null, 2);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}
