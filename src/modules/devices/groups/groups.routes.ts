import { Type } from 'typebox';
import { MANAGEMENT } from '#kernel/access.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { deviceErrors } from '../devices.errors.ts';
import {
  GROUP_SORT_HELP,
  GroupBody,
  GroupPage,
  GroupParams,
  GroupPatch,
  GroupQuery,
  GroupView,
  presentGroup,
} from './groups.schemas.ts';
import type { GroupsService } from './groups.service.ts';

const tags = ['device groups'];

/** `/api/v1/device-groups` */
export function createGroupsRoutes(groups: GroupsService): HttpRoutes {
  return (app) => {
    app.get(
      '/',
      {
        config: { access: 'bearer' },
        schema: {
          tags,
          operationId: 'listDeviceGroups',
          summary: 'List device groups',
          description: `By name unless sorted. \`q\` looks into name and description. ${GROUP_SORT_HELP}`,
          querystring: GroupQuery,
          response: { 200: GroupPage },
        },
      },
      async (request) => {
        const found = await groups.list(request.query);
        return { ...found, items: found.items.map(presentGroup) };
      },
    );

    app.get(
      '/:group_id',
      {
        config: { access: 'bearer', problems: [deviceErrors.device_group_not_found] },
        schema: {
          tags,
          operationId: 'getDeviceGroup',
          summary: 'Get a device group',
          description: 'Name and description of one group.',
          params: GroupParams,
          response: { 200: GroupView },
        },
      },
      async (request) => presentGroup(await groups.get(request.params.group_id)),
    );

    app.post(
      '/',
      {
        config: { access: MANAGEMENT, problems: [deviceErrors.device_group_name_taken] },
        schema: {
          tags,
          operationId: 'createDeviceGroup',
          summary: 'Create a device group',
          description: '409 `device_group_name_taken` when another group has the name.',
          body: GroupBody,
          response: { 201: GroupView },
        },
      },
      async (request, reply) => {
        const { name, description = null } = request.body;
        return reply.code(201).send(presentGroup(await groups.create(principalOf(request), { name, description })));
      },
    );

    app.patch(
      '/:group_id',
      {
        config: {
          access: MANAGEMENT,
          problems: [deviceErrors.device_group_not_found, deviceErrors.device_group_name_taken],
        },
        schema: {
          tags,
          operationId: 'updateDeviceGroup',
          summary: 'Change a device group',
          description: 'Fields that are left out stay; null clears the description.',
          params: GroupParams,
          body: GroupPatch,
          response: { 200: GroupView },
        },
      },
      async (request) => presentGroup(await groups.update(principalOf(request), request.params.group_id, request.body)),
    );

    app.delete(
      '/:group_id',
      {
        config: {
          access: MANAGEMENT,
          problems: [deviceErrors.device_group_not_found, deviceErrors.device_group_in_use],
        },
        schema: {
          tags,
          operationId: 'deleteDeviceGroup',
          summary: 'Delete a device group',
          description: '409 `device_group_in_use` while a device is in it.',
          params: GroupParams,
          response: { 204: Type.Null({ description: 'Deleted' }) },
        },
      },
      async (request, reply) => {
        await groups.remove(principalOf(request), request.params.group_id);
        return reply.code(204).send(null);
      },
    );
  };
}
