import type { JobDefinition } from '../jobs.port.ts';
import { escapeHtml, page } from './pages.ts';

/** What the page has to know of a job. */
export interface OfferedJob {
  readonly definition: Pick<JobDefinition, 'name' | 'queue' | 'description' | 'defaultData'>;
  readonly dataSchema: object;
}

interface Field {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, Field>>;
  readonly required?: readonly string[];
}

/**
 * A form for each job, made of the JSON Schema of its data.
 * @param problem why the last try was refused, and what had been filled in
 */
export function runPage(
  jobs: readonly OfferedJob[],
  problem: { readonly name: string; readonly message: string; readonly given: URLSearchParams } | null,
): string {
  const forms = jobs.map(({ definition: { name, queue, description }, dataSchema }) => {
    const refused = problem?.name === name ? problem : null;
    const { properties = {}, required = [] } = dataSchema as ObjectSchema;
    const fields = Object.entries(properties).map(([field, schema]) =>
      fieldOf(`${name}.${field}`, field, schema, required.includes(field), refused?.given.get(field) ?? null),
    );
    return `<details${refused === null ? '' : ' open'}><summary><b>${escapeHtml(name)}</b> <small>${escapeHtml(queue)}</small><br>${escapeHtml(description)}</summary>
<form method="post" action="run"><input type="hidden" name="job" value="${escapeHtml(name)}">
${refused === null ? '' : `<p role="alert">${escapeHtml(refused.message)}</p>`}${fields.join('')}<button>Run ${escapeHtml(name)}</button></form></details>`;
  });
  return page(
    'Run a background job',
    `<main><h1>Run a background job</h1><a href="./">Back to the queues</a>${forms.join('\n')}</main>`,
  );
}

function fieldOf(id: string, name: string, schema: Field, isRequired: boolean, given: string | null): string {
  const attributes = `id="${escapeHtml(id)}" name="${escapeHtml(name)}"`;
  const value = given ?? (schema.default === undefined ? '' : textOf(schema.default));
  const label = `<label for="${escapeHtml(id)}">${escapeHtml(name)}${isRequired ? '' : ' (optional)'}</label>`;
  const hint = schema.description === undefined ? '' : `<small>${escapeHtml(schema.description)}</small>`;
  if (schema.type === 'boolean') {
    return `<label><input type="checkbox" ${attributes} value="true"${value === 'true' ? ' checked' : ''}> ${escapeHtml(name)}</label>${hint}`;
  }
  if (schema.type === 'array' || schema.type === 'object') {
    return `${label}<textarea ${attributes} rows="3" placeholder="${schema.type === 'array' ? '[]' : '{}'}">${escapeHtml(value)}</textarea>${hint}<small> As JSON.</small>`;
  }
  const kind = schema.type === 'integer' || schema.type === 'number' ? 'number' : 'text';
  const example = textOf(schema.examples?.[0] ?? (schema.format === 'date-time' ? '2026-11-25T00:00:00Z' : ''));
  return `${label}<input type="${kind}" ${attributes} value="${escapeHtml(value)}" placeholder="${escapeHtml(example)}">${hint}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What was filled in, as the schema wants it; undefined when nothing was. What cannot be read stays text, to be refused. */
export function dataOf(schema: object, form: URLSearchParams): Record<string, unknown> | undefined {
  const { properties = {}, required = [] } = schema as ObjectSchema;
  const data: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(properties)) {
    const text = form.get(name) ?? '';
    if (field.type === 'boolean') {
      if (text === 'true' || required.includes(name)) data[name] = text === 'true';
    } else if (text !== '') data[name] = field.type === 'string' || field.type === undefined ? text : parsed(text);
  }
  return Object.keys(data).length === 0 ? undefined : data;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
