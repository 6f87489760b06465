import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { commonErrors } from '#kernel/errors.ts';
import { IMAGE_TYPE } from '#modules/firmware/index.ts';
import { FileAnswers, Id, Strict } from '#platform/http/http.schemas.ts';
import type { DdiLinks } from './ddi.links.ts';
import type { DdiAction, DdiFeedback, DdiState } from './ddi.ports.ts';

/*
 * hawkBit's Direct Device Integration API, version 1: https://eclipse.dev/hawkbit/rest-api/ddi/. Field names are its own. Clients send
 * more than is read, so bodies are documents.
 */

export const HAL = 'application/hal+json';

const controllerId = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'The device_uid',
  examples: ['greenhouse-07'],
});
export const ControllerParams = Strict({ controller_id: controllerId });
export const ActionParams = Strict({
  controller_id: controllerId,
  action_id: { ...Id, description: 'Id of the action' },
});
export const ArtifactParams = Strict({
  controller_id: controllerId,
  module_id: { ...Id, description: 'Id of the firmware' },
  file_name: Type.String({ maxLength: 128, description: 'As in the link', examples: ['firmware-4.swu'] }),
});

const hal = (description: string, example: object) => ({
  200: {
    description,
    content: {
      [HAL]: {
        schema: Type.Unsafe<object>({ type: 'object', additionalProperties: true, description, examples: [example] }),
      },
    },
  },
});
export const PollAnswer = hal('What is to be done', { config: { polling: { sleep: '00:05:00' } }, _links: {} });
export const ActionAnswer = hal('The deployment, with its artifact', { id: '12', deployment: {} });
export const CancelAnswer = hal('What is to be stopped', { id: '12', cancelAction: { stopId: '12' } });
const image = FileAnswers(IMAGE_TYPE, 'The image');
const md5 = { 'text/plain': { schema: Type.String({ description: 'Hash and name, as of md5sum' }) } };
export const ArtifactAnswers = { ...image, 200: { ...image[200], content: { ...image[200].content, ...md5 } } };
export const Taken = {
  200: {
    description: 'Taken note of',
    content: { 'text/plain': { schema: Type.String({ description: '`OK`' }) } },
  },
};

const Document = (description: string, example: object) =>
  Type.Record(Type.String(), Type.Unknown(), { title: 'Document', description, examples: [example] });
export const ConfigDataBody = Document('`{mode, data}`; of data, `firmware_version` is read', {
  mode: 'merge',
  data: { firmware_version: '1.4.2' },
});
export const FeedbackBody = Document('`{id, status: {execution, result: {finished, progress}, details}}`', {
  id: '12',
  status: { execution: 'proceeding', result: { finished: 'none', progress: { of: 5, cnt: 2 } }, details: [] },
});

const Feedback = Compile(
  Type.Object({
    status: Type.Object({
      execution: Type.Enum([
        ...['closed', 'proceeding', 'canceled', 'scheduled', 'rejected', 'resumed', 'download', 'downloaded'],
      ]),
      result: Type.Object({
        finished: Type.Enum(['success', 'failure', 'none']),
        progress: Type.Optional(
          Type.Union([
            Type.Object({ of: Type.Optional(Type.Number()), cnt: Type.Optional(Type.Number()) }),
            Type.Null(),
          ]),
        ),
      }),
      details: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
    }),
  }),
);
const MAX_ERROR = 1_000;

/** @throws AppError `invalid_input` */
export function toFeedback(body: Static<typeof FeedbackBody>): DdiFeedback {
  if (!Feedback.Check(body)) {
    const message = 'must be {status: {execution: closed|proceeding|…, result: {finished: success|failure|none}}}';
    throw commonErrors.invalid_input({ details: { fields: [{ path: '/', message }] } });
  }
  const { execution, result, details } = body.status;
  const error = details?.join('; ').slice(0, MAX_ERROR) || null;
  const { of = 0, cnt = 0 } = result.progress ?? {};
  const percent = of > 0 ? Math.min(100, Math.max(0, Math.round((cnt / of) * 100))) : null;
  switch (execution) {
    case 'closed':
      return result.finished === 'success' ? { kind: 'succeeded' } : { kind: 'failed', error };
    case 'rejected':
      return { kind: 'rejected', error };
    case 'download':
      return { kind: 'answer', answer: 'downloading', percent };
    case 'downloaded':
      return { kind: 'answer', answer: 'downloaded', percent };
    case 'proceeding':
      return { kind: 'answer', answer: 'installing', percent };
    default:
      return { kind: 'nothing' };
  }
}

/** How often a device should ask, as `HH:MM:SS`. */
const SLEEP = '00:05:00';

export function presentPoll({ deployment, cancel, installed, asksForData }: DdiState, links: DdiLinks): object {
  const link = (name: string, href: string) => ({ [name]: { href } });
  return {
    config: { polling: { sleep: SLEEP } },
    _links: {
      ...(asksForData ? link('configData', links.configData()) : {}),
      ...(deployment === null ? {} : link('deploymentBase', links.action('deploymentBase', deployment))),
      ...(cancel === null ? {} : link('cancelAction', links.action('cancelAction', cancel))),
      ...(installed === null ? {} : link('installedBase', links.action('installedBase', installed))),
    },
  };
}

export function presentAction({ entry, firmware }: DdiAction, links: DdiLinks): object {
  const { id, deviceType, version, size, sha256, sha1, md5 } = firmware;
  const download = { href: links.artifact(id) };
  const md5sum = { href: `${download.href}.MD5SUM` };
  const artifact = {
    filename: links.fileName(id),
    hashes: { sha1, md5, sha256 },
    size,
    _links: { download, md5sum, 'download-http': download, 'md5sum-http': md5sum },
  };
  const chunk = { part: 'os', version, name: deviceType, artifacts: [artifact] };
  return { id: String(entry.id), deployment: { download: 'forced', update: 'forced', chunks: [chunk] } };
}

export function presentCancel({ entry }: DdiAction): object {
  return { id: String(entry.id), cancelAction: { stopId: String(entry.id) } };
}
