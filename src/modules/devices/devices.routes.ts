import { Type } from 'typebox';
import { ADMINS, MANAGEMENT } from '#kernel/access.ts';
import { defined } from '#kernel/defined.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { mqttErrors } from '#platform/mqtt/mqtt.port.ts';
import { deviceErrors } from './devices.errors.ts';
import { createPagePresenter, type DevicePresenter } from './devices.presenter.ts';
import {
  CreatedDeviceView,
  DeviceBody,
  DevicePage,
  DeviceParams,
  DevicePatch,
  DeviceQuery,
  DeviceView,
  RotatedCredentialsView,
  SORT_HELP,
  toChanges,
  toFilter,
  toInput,
} from './devices.schemas.ts';
import type { DevicesService } from './devices.service.ts';

const tags = ['devices'];

/** `/api/v1/devices` */
export function createDevicesRoutes(devices: DevicesService, present: DevicePresenter): HttpRoutes {
  const presentPage = createPagePresenter(present);
  return (app) => {
    app.get(
      '/',
      {
        config: { access: 'bearer' },
        schema: {
          tags,
          operationId: 'listDevices',
          summary: 'List devices',
          description:
            'A USER sees the devices that it owns (or all, with USER_DEVICE_SCOPE=all), MANAGEMENT sees all. Newest ' +
            `first unless sorted. \`q\` looks into name and device_uid. ${SORT_HELP}`,
          querystring: DeviceQuery,
          response: { 200: DevicePage },
        },
      },
      async (request) => {
        const { page, size, sort } = request.query;
        const found = await devices.list(principalOf(request), {
          page,
          size,
          ...defined({ sort }),
          filter: toFilter(request.query),
        });
        return presentPage(found);
      },
    );

    app.get(
      '/:device_id',
      {
        config: { access: 'bearer', problems: [deviceErrors.device_not_found] },
        schema: {
          tags,
          operationId: 'getDevice',
          summary: 'Get a device',
          description: '404 `device_not_found` also for a device that the caller may not see.',
          params: DeviceParams,
          response: { 200: DeviceView },
        },
      },
      async (request) => present(await devices.get(principalOf(request), request.params.device_id)),
    );

    app.post(
      '/',
      {
        config: {
          access: MANAGEMENT,
          problems: [
            deviceErrors.device_uid_taken,
            mqttErrors.mqtt_account_foreign,
            deviceErrors.device_group_unknown,
            deviceErrors.device_owner_unknown,
            deviceErrors.device_metadata_invalid,
          ],
        },
        schema: {
          tags,
          operationId: 'createDevice',
          summary: 'Register a device',
          description:
            'The answer holds the credentials with which the device logs in to MQTT and HTTP ingest. They are never ' +
            'shown again. 409 `device_uid_taken` when another device has the device_uid.',
          body: DeviceBody,
          response: { 201: CreatedDeviceView },
        },
      },
      async (request, reply) => {
        const { device, credentials } = await devices.create(principalOf(request), toInput(request.body));
        return reply.code(201).send({ ...present(device), credentials });
      },
    );

    app.patch(
      '/:device_id',
      {
        config: {
          access: MANAGEMENT,
          problems: [
            deviceErrors.device_not_found,
            deviceErrors.device_group_unknown,
            deviceErrors.device_owner_unknown,
            deviceErrors.device_metadata_invalid,
            deviceErrors.device_status_measured,
          ],
        },
        schema: {
          tags,
          operationId: 'updateDevice',
          summary: 'Change a device',
          description:
            'Fields that are left out stay. The status is measured: it can only be held in MAINTENANCE, and let go.',
          params: DeviceParams,
          body: DevicePatch,
          response: { 200: DeviceView },
        },
      },
      async (request) =>
        present(await devices.update(principalOf(request), request.params.device_id, toChanges(request.body))),
    );

    app.delete(
      '/:device_id',
      {
        config: { access: ADMINS, problems: [deviceErrors.device_not_found] },
        schema: {
          tags,
          operationId: 'deleteDevice',
          summary: 'Delete a device',
          description: 'The device vanishes, its session is cut at once and its device_uid can be used again.',
          params: DeviceParams,
          response: { 204: Type.Null({ description: 'Deleted' }) },
        },
      },
      async (request, reply) => {
        await devices.remove(principalOf(request), request.params.device_id);
        return reply.code(204).send(null);
      },
    );

    app.post(
      '/:device_id/credentials',
      {
        config: { access: MANAGEMENT, problems: [deviceErrors.device_not_found] },
        schema: {
          tags,
          operationId: 'rotateDeviceCredentials',
          summary: 'Give a device a new secret',
          description: 'The old secret stops working and the session is cut at once. The new one is shown only here.',
          params: DeviceParams,
          response: { 200: RotatedCredentialsView },
        },
      },
      async (request) => ({
        credentials: await devices.rotateCredentials(principalOf(request), request.params.device_id),
      }),
    );
  };
}
