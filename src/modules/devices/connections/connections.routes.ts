import { Type } from 'typebox';
import { MANAGEMENT } from '#kernel/access.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { deviceErrors } from '../devices.errors.ts';
import { DeviceParams } from '../devices.schemas.ts';
import { DeviceConnectionView, toView } from './connections.schemas.ts';
import type { ConnectionsService } from './connections.service.ts';

const tags = ['devices'];

/** `/api/v1/devices/{device_id}/connection` and `…/disconnect` */
export function createConnectionsRoutes(connections: ConnectionsService): HttpRoutes {
  return (app) => {
    app.get(
      '/:device_id/connection',
      {
        config: { access: 'bearer', problems: [deviceErrors.device_not_found] },
        schema: {
          tags,
          operationId: 'getDeviceConnection',
          summary: 'Show how a device is connected by MQTT',
          description:
            'Apart from its status: a device that is held in MAINTENANCE is connected too. 404 `device_not_found` also ' +
            'for a device that the caller may not see.',
          params: DeviceParams,
          response: { 200: DeviceConnectionView },
        },
      },
      async (request) => toView(await connections.get(principalOf(request), request.params.device_id)),
    );

    app.post(
      '/:device_id/disconnect',
      {
        config: { access: MANAGEMENT, problems: [deviceErrors.device_not_found] },
        schema: {
          tags,
          operationId: 'disconnectDevice',
          summary: 'End the MQTT connections of a device',
          description: 'Its Last Will is not delivered. The device may connect again at once; its secret stays valid.',
          params: DeviceParams,
          response: { 204: Type.Null({ description: 'Ended, or there was none' }) },
        },
      },
      async (request, reply) => {
        await connections.disconnect(principalOf(request), request.params.device_id);
        return reply.code(204).send(null);
      },
    );
  };
}
