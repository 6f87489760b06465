import { MANAGEMENT } from '#kernel/access.ts';
import { defined } from '#kernel/defined.ts';
import { deviceErrors } from '#modules/devices/index.ts';
import { type HttpRoutes, principalOf } from '#platform/http/http.port.ts';
import { CampaignDevicePage, DeviceParams, OtaView, presentDevice, presentOta } from './campaigns.device.schemas.ts';
import { campaignErrors } from './campaigns.errors.ts';
import {
  CampaignBody,
  CampaignDetail,
  CampaignDevicesQuery,
  CampaignPage,
  CampaignParams,
  CampaignQuery,
  presentCampaign,
  presentCounts,
  toFilter,
  toPlan,
} from './campaigns.schemas.ts';
import type { CampaignsService, CampaignWithCounts } from './campaigns.service.ts';

const tags = ['campaigns'];
const { campaign_not_found, campaign_state_conflict } = campaignErrors;

const ACTIONS = {
  approve: {
    operationId: 'approveCampaign',
    summary: 'Approve a campaign',
    description: 'By another person than the one who made it, before it is started.',
    problems: [campaignErrors.campaign_own_approval],
  },
  start: {
    operationId: 'startCampaign',
    summary: 'Start a campaign',
    description: 'It is SCHEDULED, and runs from its start time on; without one, at once.',
    problems: [campaignErrors.campaign_not_approved],
  },
  pause: {
    operationId: 'pauseCampaign',
    summary: 'Pause a campaign',
    description: 'Nothing more is offered; what devices have begun goes on.',
    problems: [],
  },
  resume: {
    operationId: 'resumeCampaign',
    summary: 'Resume a campaign',
    description: 'A gate that had failed counts no more for its stage.',
    problems: [],
  },
  abort: {
    operationId: 'abortCampaign',
    summary: 'Abort a campaign',
    description: 'For good. Devices that are not done are CANCELLED; one that has begun to install is not told.',
    problems: [],
  },
} as const;

/** `/api/v1/campaigns` */
export function createCampaignsRoutes(campaigns: CampaignsService): HttpRoutes {
  return (app) => {
    app.post(
      '/',
      {
        config: { access: MANAGEMENT, problems: [campaignErrors.campaign_invalid, deviceErrors.device_target_invalid] },
        schema: {
          tags,
          operationId: 'createCampaign',
          summary: 'Plan a campaign',
          description: 'Rolls a firmware out to devices, stage by stage. It is a DRAFT until it is started.',
          body: CampaignBody,
          response: { 201: CampaignDetail },
        },
      },
      async (request, reply) =>
        reply.code(201).send(present(await campaigns.create(principalOf(request), toPlan(request.body)))),
    );

    app.get(
      '/',
      {
        config: { access: MANAGEMENT },
        schema: {
          tags,
          operationId: 'listCampaigns',
          summary: 'List campaigns',
          description: 'Newest first unless sorted. `q` looks into the name.',
          querystring: CampaignQuery,
          response: { 200: CampaignPage },
        },
      },
      async (request) => {
        const found = await campaigns.list(toFilter(request.query), request.query);
        return { ...found, items: found.items.map(presentCampaign) };
      },
    );

    app.get(
      '/:campaign_id',
      {
        config: { access: MANAGEMENT, problems: [campaign_not_found] },
        schema: {
          tags,
          operationId: 'getCampaign',
          summary: 'Show a campaign',
          description: 'With its gate, each condition with its figures, and counts of devices.',
          params: CampaignParams,
          response: { 200: CampaignDetail },
        },
      },
      async (request) => present(await campaigns.get(request.params.campaign_id)),
    );

    app.get(
      '/:campaign_id/devices',
      {
        config: { access: MANAGEMENT, problems: [campaign_not_found] },
        schema: {
          tags,
          operationId: 'listCampaignDevices',
          summary: 'List the devices of a campaign',
          description:
            'Where each stands, since when, why, and what happens next. `q` looks into device_uid and reason.',
          params: CampaignParams,
          querystring: CampaignDevicesQuery,
          response: { 200: CampaignDevicePage },
        },
      },
      async (request) => {
        const { status, q } = request.query;
        const filter = defined({ state: status, q });
        const { campaign, page, at } = await campaigns.listDevices(request.params.campaign_id, filter, request.query);
        return { ...page, items: page.items.map((device) => presentDevice(device, campaign, at)) };
      },
    );

    for (const [action, { operationId, summary, description, problems }] of Object.entries(ACTIONS)) {
      app.post(
        `/:campaign_id/${action}`,
        {
          config: { access: MANAGEMENT, problems: [campaign_not_found, campaign_state_conflict, ...problems] },
          schema: {
            tags,
            operationId,
            summary,
            description,
            params: CampaignParams,
            response: { 200: CampaignDetail },
          },
        },
        async (request) => {
          const { campaign_id } = request.params as { readonly campaign_id: number };
          return present(await campaigns[action as keyof typeof ACTIONS](principalOf(request), campaign_id));
        },
      );
    }
  };
}

/** `/api/v1/devices/{device_id}/ota`, mounted beside the devices' own routes. */
export function createOtaRoutes(campaigns: CampaignsService): HttpRoutes {
  return (app) => {
    app.get(
      '/:device_id/ota',
      {
        config: { access: 'bearer', problems: [deviceErrors.device_not_found] },
        schema: {
          tags,
          operationId: 'getDeviceOta',
          summary: 'Show where the firmware of a device stands',
          description: 'In which campaigns it is, where it stands there, since when, why, and what happens next.',
          params: DeviceParams,
          response: { 200: OtaView },
        },
      },
      async (request) => {
        const { firmwareVersion, entries, at } = await campaigns.ofDevice(
          principalOf(request),
          request.params.device_id,
        );
        return presentOta(firmwareVersion, entries, at);
      },
    );
  };
}

function present({ campaign, counts }: CampaignWithCounts) {
  return { ...presentCampaign(campaign), counts: presentCounts(counts) };
}
