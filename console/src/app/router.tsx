import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet } from '@tanstack/react-router';
import { NotFound } from '#console/components/not-found.tsx';
import { PageFailed, Splash } from '#console/components/states.tsx';
import { BASE } from './base.ts';
import { part } from './part.ts';
import { Shell } from './shell.tsx';

const rootRoute = createRootRoute({
  component: () => (
    <Shell>
      <Outlet />
    </Shell>
  ),
  notFoundComponent: NotFound,
  errorComponent: PageFailed,
});

/** What pages keep in the address is theirs: each reads it with its own types. */
const validateSearch = (search: Record<string, unknown>): Record<string, unknown> => search;

/** `/path` → the page, loaded when somebody goes there. */
function page<Module extends Record<string, unknown>>(
  path: string,
  load: () => Promise<Module>,
  name: keyof Module & string,
) {
  return createRoute({
    getParentRoute: () => rootRoute,
    path,
    validateSearch,
    // biome-ignore lint/suspicious/noExplicitAny: the router infers a component's type from each module
    component: lazyRouteComponent(() => part(load as () => Promise<Record<string, any>>), name),
    pendingComponent: Splash,
  });
}

const routeTree = rootRoute.addChildren([
  page('/', () => import('#console/pages/overview/overview.page.tsx'), 'OverviewPage'),
  page('/explore', () => import('#console/pages/explore/explore.page.tsx'), 'ExplorePage'),
  page('/alerts', () => import('#console/pages/alerts/alerts.page.tsx'), 'AlertsPage'),
  page('/rules', () => import('#console/pages/rules/rules.page.tsx'), 'RulesPage'),
  page('/rules/new', () => import('#console/pages/rules/rule.page.tsx'), 'NewRulePage'),
  page('/rules/$id', () => import('#console/pages/rules/rule.page.tsx'), 'RulePage'),
  page('/dashboards', () => import('#console/pages/dashboards/dashboards.page.tsx'), 'DashboardsPage'),
  page('/dashboards/$id', () => import('#console/pages/dashboards/dashboard.page.tsx'), 'DashboardPage'),
  page('/devices', () => import('#console/pages/devices/devices.page.tsx'), 'DevicesPage'),
  page('/groups', () => import('#console/pages/groups/groups.page.tsx'), 'GroupsPage'),
  page('/commands', () => import('#console/pages/commands/commands.page.tsx'), 'CommandsPage'),
  page('/commands/send', () => import('#console/pages/commands/send-to-many.page.tsx'), 'SendToManyPage'),
  page('/campaigns', () => import('#console/pages/campaigns/campaigns.page.tsx'), 'CampaignsPage'),
  page('/campaigns/new', () => import('#console/pages/campaigns/new/new-campaign.page.tsx'), 'NewCampaignPage'),
  page('/campaigns/$id', () => import('#console/pages/campaigns/campaign/campaign.page.tsx'), 'CampaignPage'),
  page('/firmware', () => import('#console/pages/firmware/firmware.page.tsx'), 'FirmwarePage'),
  page('/claims', () => import('#console/pages/claims/claims.page.tsx'), 'ClaimsPage'),
  page('/claims/$id', () => import('#console/pages/claims/claim.page.tsx'), 'ClaimPage'),
  page('/certificates', () => import('#console/pages/certificates/certificates.page.tsx'), 'CertificatesPage'),
  page('/users', () => import('#console/pages/users/users.page.tsx'), 'UsersPage'),
  page('/results', () => import('#console/pages/results/results.page.tsx'), 'ResultsPage'),
  page('/notifications', () => import('#console/pages/notifications/notifications.page.tsx'), 'NotificationsPage'),
  page('/configs', () => import('#console/pages/operate/configs.page.tsx'), 'ConfigsPage'),
  page('/jobs', () => import('#console/pages/operate/jobs.page.tsx'), 'JobsPage'),
  page('/system', () => import('#console/pages/operate/system.page.tsx'), 'SystemPage'),
  page('/account', () => import('#console/pages/account/account.page.tsx'), 'AccountPage'),
  page('/audit', () => import('#console/pages/operate/audit.page.tsx'), 'AuditPage'),
  page('/devices/$id', () => import('#console/pages/device/device.page.tsx'), 'DevicePage'),
]);

export const router = createRouter({
  routeTree,
  basepath: `${BASE}/admin`,
  defaultPreload: 'intent',
  defaultErrorComponent: PageFailed,
  defaultNotFoundComponent: NotFound,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
