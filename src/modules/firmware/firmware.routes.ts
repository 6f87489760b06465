import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { ADMINS, MANAGEMENT } from '#kernel/access.ts';
import { toIso } from '#kernel/clock.ts';
import { commonErrors } from '#kernel/errors.ts';
import { deviceOf, type HttpApp, type HttpRoutes, originOf, principalOf } from '#platform/http/http.port.ts';
import { sendFile } from '#platform/http/ranged-file.port.ts';
import { firmwareErrors } from './firmware.errors.ts';
import { fileOfForm } from './firmware.form.ts';
import { IMAGE_TYPE, imageFileOf } from './firmware.image.ts';
import {
  AddedKeyView,
  FIRMWARE_SORT_HELP,
  FirmwarePage,
  FirmwareParams,
  FirmwareQuery,
  FirmwareView,
  ImageAnswers,
  KeyBody,
  KeyParams,
  KeysView,
  LinkBody,
  LinkQuery,
  LinkView,
  presentFirmware,
  presentKey,
  toFilter,
  toUpload,
  UploadBody,
  UploadQuery,
} from './firmware.schemas.ts';
import type { FirmwareService } from './firmware.service.ts';

const tags = ['firmware'];
const { firmware_not_found } = firmwareErrors;
const { range_not_satisfiable } = commonErrors;

export interface FirmwareRoutesOptions {
  readonly maxBytes: number;
  /** Where devices reach the server, without a slash at the end. */
  readonly publicUrl: () => string;
}

/** `/api/v1/firmware` */
export function createFirmwareRoutes(firmware: FirmwareService, options: FirmwareRoutesOptions): HttpRoutes {
  const { maxBytes, publicUrl } = options;
  return async (app) => {
    await app.register(async (scope) => addUpload(scope as HttpApp, firmware, maxBytes));

    app.get(
      '/',
      {
        config: { access: MANAGEMENT },
        schema: {
          tags,
          operationId: 'listFirmware',
          summary: 'List firmware',
          description: FIRMWARE_SORT_HELP,
          querystring: FirmwareQuery,
          response: { 200: FirmwarePage },
        },
      },
      async (request) => {
        const found = await firmware.list(toFilter(request.query), request.query);
        return { ...found, items: found.items.map(presentFirmware) };
      },
    );

    app.get(
      '/:firmware_id',
      {
        config: { access: MANAGEMENT, problems: [firmware_not_found] },
        schema: {
          tags,
          operationId: 'getFirmware',
          summary: 'Show a firmware',
          description: 'What is kept of it; the image itself has a link of its own.',
          params: FirmwareParams,
          response: { 200: FirmwareView },
        },
      },
      async (request) => presentFirmware(await firmware.get(request.params.firmware_id)),
    );

    app.delete(
      '/:firmware_id',
      {
        config: { access: MANAGEMENT, problems: [firmware_not_found, firmwareErrors.firmware_in_use] },
        schema: {
          tags,
          operationId: 'deleteFirmware',
          summary: 'Delete a firmware',
          description: 'Not while a campaign uses it. Its sequence is not given again.',
          params: FirmwareParams,
          response: { 204: Type.Null({ description: 'Deleted' }) },
        },
      },
      async (request, reply) => {
        await firmware.remove(principalOf(request), request.params.firmware_id);
        return reply.code(204).send(null);
      },
    );

    app.post(
      '/:firmware_id/links',
      {
        config: { access: MANAGEMENT, problems: [firmware_not_found] },
        schema: {
          tags,
          operationId: 'linkFirmware',
          summary: 'Make a link to an image',
          description:
            'For bootloaders that have no credentials: whoever has the link gets the image until it expires.',
          params: FirmwareParams,
          body: LinkBody,
          response: { 201: LinkView },
        },
      },
      async (request, reply) => {
        const { firmware_id } = request.params;
        const seconds = request.body.expires_in_seconds;
        const { expires, signature } = await firmware.link(principalOf(request), firmware_id, seconds);
        const url = `${publicUrl()}/api/v1/firmware/${firmware_id}/download?expires=${expires}&signature=${signature}`;
        return reply.code(201).send({ url, expires_at: toIso(expires * 1_000) });
      },
    );

    app.get(
      '/:firmware_id/download',
      {
        config: {
          access: 'public',
          problems: [firmware_not_found, firmwareErrors.firmware_link_invalid, range_not_satisfiable],
        },
        schema: {
          tags,
          operationId: 'downloadFirmwareByLink',
          summary: 'Download an image by a link',
          description: 'Of `POST …/links`. `Range` and `If-Range` as for a device.',
          params: FirmwareParams,
          querystring: LinkQuery,
          response: ImageAnswers,
        },
      },
      async (request, reply) => {
        const { expires, signature } = request.query;
        const found = await firmware.byLink(request.params.firmware_id, expires, signature, originOf(request));
        return sendFile(request, reply, imageFileOf(found, firmware.read));
      },
    );
  };
}

function addUpload(app: HttpApp, firmware: FirmwareService, maxBytes: number): void {
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser(IMAGE_TYPE, async (_request: unknown, body: Readable) => body);
  app.addContentTypeParser('multipart/form-data', (request, body: Readable, done) => {
    fileOfForm(request.headers, body).then(
      (file) => done(null, file),
      (error: Error) => done(error),
    );
  });
  app.post(
    '/',
    {
      bodyLimit: maxBytes,
      config: {
        access: MANAGEMENT,
        streamsBody: true,
        problems: [
          ...[firmwareErrors.firmware_invalid, firmwareErrors.firmware_exists, firmwareErrors.firmware_sequence_old],
          ...[firmwareErrors.firmware_key_unknown, firmwareErrors.firmware_signature_invalid],
        ],
      },
      schema: {
        tags,
        operationId: 'uploadFirmware',
        summary: 'Upload a firmware',
        description:
          'The image as the body, or as the file of a form. It is kept as it comes, all of it or nothing. Without a signature the ' +
          'installation signs; one that was signed before names its sequence and the id of a registered key.',
        querystring: UploadQuery,
        body: UploadBody,
        response: { 201: FirmwareView },
      },
      // A stream is no value that a schema could look at.
      validatorCompiler: ({ httpPart, schema, ...rest }) =>
        httpPart === 'body'
          ? () => true
          : (app.validatorCompiler as NonNullable<typeof app.validatorCompiler>)({
              httpPart,
              schema,
              ...rest,
            } as never),
    },
    async (request, reply) => {
      // Without a body there is no stream either.
      const body = (request.body as Readable | undefined) ?? Readable.from([]);
      const uploaded = await firmware.upload(principalOf(request), toUpload(request.query), body);
      return reply.code(201).send(presentFirmware(uploaded));
    },
  );
}

/** `/api/v1/firmware-keys` */
export function createFirmwareKeyRoutes(firmware: FirmwareService): HttpRoutes {
  return (app) => {
    app.get(
      '/',
      {
        config: { access: MANAGEMENT },
        schema: {
          tags,
          operationId: 'listFirmwareKeys',
          summary: 'List the keys that sign firmware',
          description: 'What a device has to know to check a signature. A handful, without pages.',
          response: { 200: KeysView },
        },
      },
      async () => ({ keys: (await firmware.listKeys()).map(presentKey) }),
    );

    app.post(
      '/',
      {
        config: { access: ADMINS, problems: [firmwareErrors.firmware_key_invalid] },
        schema: {
          tags,
          operationId: 'addFirmwareKey',
          summary: 'Register a key that signs firmware',
          description:
            'The public half of a key that was never on the server. One that is registered already stays as it is.',
          body: KeyBody,
          response: { 201: AddedKeyView },
        },
      },
      async (request, reply) => {
        const { name, public_key } = request.body;
        return reply.code(201).send(presentKey(await firmware.addKey(principalOf(request), name, public_key)));
      },
    );

    app.delete(
      '/:key_id',
      {
        config: { access: ADMINS, problems: [firmwareErrors.firmware_key_not_found] },
        schema: {
          tags,
          operationId: 'removeFirmwareKey',
          summary: 'Remove a key that signs firmware',
          description: 'Nothing new can be signed with it; firmware that it has signed stays.',
          params: KeyParams,
          response: { 204: Type.Null({ description: 'Removed' }) },
        },
      },
      async (request, reply) => {
        await firmware.removeKey(principalOf(request), request.params.key_id);
        return reply.code(204).send(null);
      },
    );
  };
}

/** `/api/v1/device/firmware`: for devices that a firmware was offered to. */
export function createDeviceFirmwareRoutes(firmware: FirmwareService): HttpRoutes {
  return (app) => {
    app.get(
      '/firmware/:firmware_id',
      {
        config: {
          access: 'device',
          problems: [firmware_not_found, firmwareErrors.firmware_not_offered, range_not_satisfiable],
        },
        schema: {
          tags,
          operationId: 'downloadFirmware',
          summary: 'Download an image that was offered to this device',
          description:
            'With `Range` a part of it (206), so that a download goes on where it was cut off, days later too; with ' +
            '`If-Range: <ETag>` only if it is still the same image. The ETag is the SHA-256.',
          params: FirmwareParams,
          response: ImageAnswers,
        },
      },
      async (request, reply) => {
        const found = await firmware.forDevice(
          deviceOf(request).deviceId,
          request.params.firmware_id,
          originOf(request),
        );
        return sendFile(request, reply, imageFileOf(found, firmware.read));
      },
    );
  };
}
