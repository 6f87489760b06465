import { MANAGEMENT } from '#kernel/access.ts';
import { defined } from '#kernel/defined.ts';
import { commonErrors } from '#kernel/errors.ts';
import { deviceErrors } from '#modules/devices/index.ts';
import { etagOf, expectedOf, isNamed } from '#platform/http/etags.port.ts';
import { deviceOf, type HttpApp, type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { IfMatch } from '#platform/http/http.schemas.ts';
import { twinErrors } from './twin.errors.ts';
import type { TwinGroups } from './twin.groups.ts';
import {
  ConfigBody,
  ConfigForDevice,
  DeviceParams,
  GroupConfigView,
  GroupParams,
  HISTORY_HELP,
  HistoryQuery,
  HistoryView,
  IfNoneMatch,
  MERGE_PATCH,
  NotModified,
  PatchBody,
  patchIn,
  presentGroup,
  presentTwin,
  presentVersion,
  RollbackBody,
  TwinView,
} from './twin.schemas.ts';
import type { TwinService } from './twin.service.ts';

const tags = ['configuration'];
const seen = [deviceErrors.device_not_found, deviceErrors.device_not_yours];
const changed = [...seen, twinErrors.config_invalid, commonErrors.precondition_failed];
const WHO = 'For MANAGEMENT and the owner of the device.';

/** `/api/v1/devices/{device_id}/config`, mounted beside the devices' own routes. */
export function createTwinRoutes(twins: TwinService): HttpRoutes {
  return (app) => {
    app.get(
      '/:device_id/config',
      {
        config: { access: 'bearer', problems: seen },
        schema: {
          tags,
          operationId: 'getDeviceConfig',
          summary: 'Show what a device is to have and what it has',
          description: `${WHO} The ETag is the version, for \`If-Match\`.`,
          params: DeviceParams,
          response: { 200: TwinView },
        },
      },
      async (request, reply) => {
        const twin = await twins.get(principalOf(request), request.params.device_id);
        return presentTwin(tagged(reply, twin));
      },
    );

    app.put(
      '/:device_id/config',
      {
        config: { access: 'bearer', problems: changed },
        schema: {
          tags,
          operationId: 'replaceDeviceConfig',
          summary: 'Replace the configuration of a device',
          description: `${WHO} Its own; the defaults of its group stay below it. One that says the same makes no version.`,
          params: DeviceParams,
          headers: IfMatch,
          body: ConfigBody,
          response: { 200: TwinView },
        },
      },
      async (request, reply) => {
        const expected = expectedOf(request.headers['if-match']);
        const twin = await twins.replace(principalOf(request), request.params.device_id, request.body, expected);
        return presentTwin(tagged(reply, twin));
      },
    );

    withMergePatch(app, (scope) =>
      scope.patch(
        '/:device_id/config',
        {
          config: { access: 'bearer', problems: changed },
          schema: {
            tags,
            operationId: 'patchDeviceConfig',
            summary: 'Change the configuration of a device',
            description: `${WHO} A JSON merge patch of its own configuration.`,
            params: DeviceParams,
            headers: IfMatch,
            body: PatchBody,
            response: { 200: TwinView },
          },
        },
        async (request, reply) => {
          const expected = expectedOf(request.headers['if-match']);
          const twin = await twins.patch(
            principalOf(request),
            request.params.device_id,
            patchIn(request.body),
            expected,
          );
          return presentTwin(tagged(reply, twin));
        },
      ),
    );

    app.get(
      '/:device_id/config/history',
      {
        config: { access: 'bearer', problems: seen },
        schema: {
          tags,
          operationId: 'listDeviceConfigVersions',
          summary: 'List the versions of the configuration of a device',
          description: `${WHO} ${HISTORY_HELP}`,
          params: DeviceParams,
          querystring: HistoryQuery,
          response: { 200: HistoryView },
        },
      },
      async (request) => {
        const { changed_by, q, ...page } = request.query;
        const filter = defined({ changedBy: changed_by, q });
        const found = await twins.history(principalOf(request), request.params.device_id, filter, page);
        return { ...found, items: found.items.map(presentVersion) };
      },
    );

    app.post(
      '/:device_id/config/rollback',
      {
        config: { access: 'bearer', problems: [...changed, twinErrors.config_version_not_found] },
        schema: {
          tags,
          operationId: 'rollbackDeviceConfig',
          summary: 'Go back to a former configuration of a device',
          description: `${WHO} What was its own at that version is so again, as a new version.`,
          params: DeviceParams,
          headers: IfMatch,
          body: RollbackBody,
          response: { 200: TwinView },
        },
      },
      async (request, reply) => {
        const expected = expectedOf(request.headers['if-match']);
        const { version } = request.body;
        const twin = await twins.rollback(principalOf(request), request.params.device_id, version, expected);
        return presentTwin(tagged(reply, twin));
      },
    );
  };
}

/** `/api/v1/device-groups/{group_id}/config`, mounted beside the groups' own routes. */
export function createGroupConfigRoutes(groups: TwinGroups): HttpRoutes {
  const problems = [deviceErrors.device_group_not_found, twinErrors.config_invalid, commonErrors.precondition_failed];
  return (app) => {
    app.get(
      '/:group_id/config',
      {
        config: { access: MANAGEMENT, problems: [deviceErrors.device_group_not_found] },
        schema: {
          tags,
          operationId: 'getGroupConfig',
          summary: 'Show the default configuration of a group',
          description: 'The ETag is the version, for `If-Match`.',
          params: GroupParams,
          response: { 200: GroupConfigView },
        },
      },
      async (request, reply) => {
        const group = await groups.get(request.params.group_id);
        return presentGroup(tagged(reply, group));
      },
    );

    app.put(
      '/:group_id/config',
      {
        config: { access: MANAGEMENT, problems },
        schema: {
          tags,
          operationId: 'replaceGroupConfig',
          summary: 'Replace the default configuration of a group',
          description: 'Every member gets a new version, in the background, also after a restart.',
          params: GroupParams,
          headers: IfMatch,
          body: ConfigBody,
          response: { 200: GroupConfigView },
        },
      },
      async (request, reply) => {
        const expected = expectedOf(request.headers['if-match']);
        const group = await groups.replace(principalOf(request), request.params.group_id, request.body, expected);
        return presentGroup(tagged(reply, group));
      },
    );

    withMergePatch(app, (scope) =>
      scope.patch(
        '/:group_id/config',
        {
          config: { access: MANAGEMENT, problems },
          schema: {
            tags,
            operationId: 'patchGroupConfig',
            summary: 'Change the default configuration of a group',
            description:
              'A JSON merge patch. Every member gets a new version, in the background, also after a restart.',
            params: GroupParams,
            headers: IfMatch,
            body: PatchBody,
            response: { 200: GroupConfigView },
          },
        },
        async (request, reply) => {
          const expected = expectedOf(request.headers['if-match']);
          const group = await groups.patch(
            principalOf(request),
            request.params.group_id,
            patchIn(request.body),
            expected,
          );
          return presentGroup(tagged(reply, group));
        },
      ),
    );
  };
}

/** `/api/v1/device/config`: for a device that has no MQTT. */
export function createOwnConfigRoutes(twins: TwinService): HttpRoutes {
  return (app) => {
    app.get(
      '/config',
      {
        config: { access: 'device', problems: [deviceErrors.device_not_found] },
        schema: {
          tags,
          operationId: 'getOwnConfig',
          summary: 'Get the configuration of this device',
          description:
            'For a device without MQTT, which reports by `POST /api/v1/ingest/status`. The ETag is the version.',
          headers: IfNoneMatch,
          response: { 200: ConfigForDevice, 304: NotModified },
        },
      },
      async (request, reply) => {
        const { version, effective } = tagged(reply, await twins.ofDevice(deviceOf(request).deviceId));
        if (isNamed(etagOf(version), request.headers['if-none-match'])) return reply.code(304).send(null);
        return { version, config: effective };
      },
    );
  };
}

/** In a scope of its own, because only routes that patch take this type. */
function withMergePatch(app: HttpApp, add: (scope: HttpApp) => unknown): void {
  void app.register(async (scope) => {
    scope.takesJsonAs(MERGE_PATCH);
    add(scope as HttpApp);
  });
}

/** What is answered, with its version as ETag. */
function tagged<T extends { readonly version: number }>(
  reply: { header(name: string, value: string): unknown },
  answered: T,
): T {
  reply.header('etag', etagOf(answered.version));
  return answered;
}
