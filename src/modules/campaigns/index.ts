export type { OfferDue } from './campaigns.events.ts';
export { type CampaignsModule, createCampaignsModule } from './campaigns.module.ts';
export { createCampaignUsage } from './campaigns.usage.repository.ts';
export { campaignsMigrations } from './migrations/index.ts';
