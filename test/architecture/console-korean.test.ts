import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inWords } from '#kernel/validation-messages.ts';
import { describeAlert, describeEnd } from '#modules/monitoring/alerts/messages.ts';
import type { RuleTerms } from '#modules/monitoring/rules/rules.ports.ts';
import { NO_EMAIL } from '#modules/notifications/summaries/summaries.texts.ts';
import {
  alertInKorean,
  fieldInKorean,
  problems,
  sentenceInKorean,
  values,
} from '../../console/src/i18n/korean/korean.ts';
import { ACTIONS, RECORDS } from '../../console/src/pages/operate/audit.names.ts';
import { child, readSource, type SyntaxNode, walk } from './source.ts';

const root = join(import.meta.dirname, '../..');
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
const api = JSON.parse(textOf('openapi/openapi.json'));

const HANGUL = /\p{Script=Hangul}/u;
const notKorean = (texts: Iterable<string>, translate: (text: string) => string | undefined) =>
  [...texts].filter((text) => !HANGUL.test(translate(text) ?? ''));

/** What a file says in strings and templates; a hole of a template is filled in with a 7. */
function literalsOf(path: string): readonly string[] {
  return [...walk(readSource(root, path).statements)].flatMap((node) => {
    if (node.type === 'StringLiteral') return [String(node['value'])];
    if (node.type !== 'TemplateLiteral') return [];
    return [(node['quasis'] as readonly SyntaxNode[]).map((part) => String(part['cooked'])).join('7')];
  });
}
const sourcesOf = (pattern: string) =>
  globSync(pattern, { cwd: root, exclude: (path) => /\.(test|contract)\.ts$/.test(path) });

describe('the Korean of the API', () => {
  test('has every problem, and repeats what the API says in general', () => {
    const examples: Record<string, { value: { detail: string } }> = api.components.examples;
    const general = Object.fromEntries(Object.entries(examples).map(([code, { value }]) => [code, value.detail]));
    const known = Object.fromEntries(Object.entries(problems).map(([code, [english]]) => [code, english]));
    expect(known).toEqual(general);
    expect(notKorean(Object.keys(problems), (code) => problems[code]?.[1])).toEqual([]);
  });

  test.each([
    ['status', 'DeviceStatus'],
    ['status', 'AlertStatus'],
    ['status', 'AlertSeverity'],
    ['status', 'CommandStatus'],
    ['status', 'CampaignStatus'],
    ['status', 'CampaignDeviceStatus'],
    ['role', 'UserRole'],
  ] as const)('has each %s of %s', (kind, schema) => {
    const words: readonly string[] = api.components.schemas[schema].enum;
    expect(words.filter((word) => !Object.hasOwn(values[kind], word))).toEqual([]);
  });

  test.each([
    ['level', 'DeviceLog', 'level'],
    ['step', 'ClaimAttempt', 'step'],
    ['analysis', 'AnalysisResult', 'analysis_type'],
    ['queue', 'Job', 'queue'],
  ] as const)('has each %s of %s', (kind, schema, property) => {
    expect(Object.keys(values[kind]).toSorted()).toEqual(
      api.components.schemas[schema].properties[property].enum.toSorted(),
    );
  });

  test('has every reason for which a message is rejected', () => {
    const mqtt = textOf('docs/mqtt.md');
    const table = mqtt.slice(mqtt.indexOf('| reason | |'), mqtt.indexOf('## Status and Last Will'));
    const reasons = [...table.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell = '']) => cell.match(/\w+/g) ?? []);
    expect(reasons.length).toBeGreaterThan(20);
    expect(reasons.filter((reason) => !Object.hasOwn(values.reason, reason))).toEqual([]);
  });

  test('has what the audit trail says was done, and to what', () => {
    const operations = textOf('docs/operations.md');
    const section = operations.slice(operations.indexOf('\n## The audit trail')).split('\n## ', 2).join('');
    const rows = section.slice(0, section.indexOf('Passwords, secrets')).matchAll(/^\| (`[^|]+`) \|/gm);
    const actions = [...rows].flatMap(([, cell = '']) => cell.match(/[\w.]+/g) ?? []).toSorted();
    expect(actions.length).toBeGreaterThan(50);
    expect([...ACTIONS].toSorted()).toEqual(actions);
    expect(Object.keys(values.action).toSorted()).toEqual(actions);
    const types = sourcesOf('src/{main,modules}/**/*.ts').flatMap((path) =>
      [...textOf(path).matchAll(/resourceType: '(\w+)'/g)].map(([, type]) => type as string),
    );
    expect([...RECORDS].toSorted()).toEqual([...new Set(types)].toSorted());
    expect(Object.keys(values.record).toSorted()).toEqual([...RECORDS].toSorted());
  });

  test('has what every job does', () => {
    const jobs = sourcesOf('src/**/*jobs.ts').flatMap((path) =>
      [...walk(readSource(root, path).statements)].flatMap((node) => {
        if (node.type !== 'ObjectExpression') return [];
        const fields = new Map(
          (node['properties'] as readonly SyntaxNode[]).map((each) => [
            child(each, 'key')?.['value'],
            child(each, 'value'),
          ]),
        );
        return fields.has('queue') ? [String(fields.get('description')?.['value'])] : [];
      }),
    );
    expect(jobs.length).toBeGreaterThan(10);
    expect(notKorean(jobs, sentenceInKorean)).toEqual([]);
  });

  test.each(['src/modules/campaigns/campaigns.device.schemas.ts', 'src/modules/monitoring/health/health.service.ts'])(
    'has each sentence of %s',
    (path) => {
      const sentences = literalsOf(path)
        .map((text) => text.trim())
        .filter((text) => /^[A-Z][^`]* .*\.$/.test(text))
        // What is said after something else.
        .map((text) => (/^It (said|has until)/.test(text) ? `Has failed. ${text}` : text));
      expect(sentences.length).toBeGreaterThan(1);
      expect(notKorean(sentences, sentenceInKorean)).toEqual([]);
    },
  );

  test('says of an alert what an e-mail says of it', () => {
    const terms = (condition: RuleTerms['condition'], threshold: unknown, forSeconds = 0) =>
      ({ metric: 'door.open', condition, threshold, forSeconds }) as RuleTerms;
    const rules = [
      ...(['gt', 'gte', 'lt', 'lte', 'eq', 'ne'] as const).map((condition) => terms(condition, 30.5)),
      ...(['eq', 'ne'] as const).map((condition) => terms(condition, 'not above, for 5 s')),
      ...(['outside', 'inside'] as const).map((condition) => terms(condition, [-5, 30])),
      ...[terms('no_data', null, 60), terms('offline', null), terms('gt', 30, 600), terms('offline', null, 600)],
    ];
    for (const rule of rules) {
      for (const value of [31.5, 'on, above 3', true]) {
        expect(sentenceInKorean(describeAlert(rule, value))).toBe(describeAlert(rule, value, 'ko'));
        expect(sentenceInKorean(describeEnd(rule, value))).toBe(describeEnd(rule, value, 'ko'));
      }
    }
  });

  test('says what people are told of an alert, and of what it means for them', () => {
    const said = `pump-1: ${describeAlert({ metric: 'rpm', condition: 'lt', threshold: 3, forSeconds: 0 } as RuleTerms, 2)}`;
    expect(alertInKorean('CRITICAL: Too: slow', `${said} (${NO_EMAIL})`)).toEqual([
      '위험: Too: slow',
      'pump-1: rpm 값: 2 (조건: 3 미만) (이메일 주소가 확인되지 않아 메일은 보내지 않습니다.)',
    ]);
    expect(alertInKorean('Cleared: Too slow', said)[0]).toBe('해제: Too slow');
  });

  test('leaves alone what nobody but a device or a person has said', () => {
    for (const text of ['Motor 3 is hot', 'is downloading', 'A text. And another.', '']) {
      expect(sentenceInKorean(text)).toBeUndefined();
      expect(fieldInKorean(text)).toBeUndefined();
    }
  });
});

/** Titles of operations, parts of SQL, headers that the console sends itself, and words that are chosen in a hole: below. */
const NOT_ASKED = /\.$|^is not$|^must be 7 or \*$|^must be 7 for 7$|^must (lie|not be) 7 the threshold$|which 7 7 not$/;

describe('the Korean of what is wrong with a field', () => {
  const accepts = new Set(
    [...textOf('openapi/openapi.json').matchAll(/"x-accepts": "([^"]*)"/g)].map(([, text]) => text),
  );

  test('has every form that a schema names', () => {
    expect(accepts.size).toBeGreaterThan(15);
    expect(
      notKorean(
        [...accepts].map((form) => `must be ${form}`),
        fieldInKorean,
      ),
    ).toEqual([]);
  });

  test('has what every kind of schema says', () => {
    const schemas: readonly (readonly [keyword: string, schema: object, params?: object, data?: unknown])[] = [
      ['type', {}, { type: 'integer' }],
      ['type', {}, { type: ['string', 'boolean', 'null'] }],
      ['type', {}, { type: ['array', 'object'] }],
      ['enum', { enum: ['web', 'email'] }, {}, 'emial'],
      ['enum', { enum: ['web'] }],
      ['const', { const: 'PAUSED' }],
      ...(['required', 'dependentRequired', 'boolean', 'uniqueItems'] as const).map(
        (keyword) => [keyword, {}] as const,
      ),
      ['additionalProperties', { properties: { name: {} } }, { additionalProperty: 'nmae' }],
      ...[1, 3].flatMap((bound) =>
        (['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'] as const).map(
          (keyword) => [keyword, { [keyword]: bound }] as const,
        ),
      ),
      ['minimum', { type: 'integer', minimum: 1, maximum: 100 }],
      ['minimum', { type: 'number', minimum: 0 }],
      ['maximum', { type: 'number', maximum: -1.5 }],
      ['exclusiveMinimum', { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 10 }],
      ['exclusiveMinimum', { type: 'integer', exclusiveMinimum: 0, maximum: 10 }],
      ['multipleOf', { multipleOf: 0.5 }],
      ...(['date-time', 'time-zone', 'date', 'uri', 'email', 'uuid', 'ipv4', 'ipv6'] as const).map(
        (format) => ['format', { format }] as const,
      ),
      ['anyOf', { anyOf: [{ type: 'string' }, { type: 'null' }] }],
      ['pattern', { pattern: '^[a-z]+$', examples: ['fan'] }, {}, 'Fan'],
      ['pattern', { pattern: '^[a-z]+$' }],
    ];
    const said = schemas.map(([keyword, parentSchema, params = {}, data]) =>
      inWords({ keyword, parentSchema, params, data }),
    );
    expect(notKorean(said, fieldInKorean)).toEqual([]);
  });

  test('has what services say of the fields that the console asks for', () => {
    const asked = sourcesOf(
      'src/modules/{users,monitoring,auth,dashboards,firmware,system,devices,campaigns,commands,twin}/**/*.ts',
    )
      // What no form of the console sends.
      .filter((path) => !/\/ddi\/|users\.founding|alerts\.repository/.test(path));
    const said = asked.flatMap(literalsOf).filter((text) => /^(must|is|has|was) /.test(text) && !NOT_ASKED.test(text));
    const chosen = [
      'must be given for gt',
      'must be left out for offline',
      'must lie within the threshold',
      'must lie around the threshold',
      'must not be above the threshold',
      'must not be below the threshold',
      'must be ids of active users, which 3, 4 are not',
    ];
    expect(said.length).toBeGreaterThan(40);
    expect(notKorean([...said, ...chosen], fieldInKorean)).toEqual([]);
  });
});
