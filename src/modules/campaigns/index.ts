export type { OfferDue } from './campaigns.events.ts';
export { type CampaignsModule, createCampaignsModule, createCampaignUsage } from './campaigns.module.ts';
export { campaignsMigrations } from './migrations/index.ts';
