import { defined } from '#kernel/defined.ts';
import type { Logger } from '#kernel/logger.ts';
import type { IdentityProvider } from '#platform/oauth/oauth.port.ts';
import { PROVIDER_PRESETS, type ProviderPreset } from '#platform/oauth/presets.ts';
import type { OAuthProviderSettings } from '../oauth-settings.ts';
import type { Settings } from '../settings.ts';

const DEFAULT_SCOPES = ['openid', 'email', 'profile'];

/** The identity providers that are configured. Without one the client library is not loaded. */
export async function createIdentityProviders(
  { OAUTH_PROVIDERS }: Settings,
  logger: Logger,
): Promise<readonly IdentityProvider[]> {
  return await Promise.all(OAUTH_PROVIDERS.map((provider) => createProvider(provider, logger)));
}

async function createProvider(settings: OAuthProviderSettings, logger: Logger): Promise<IdentityProvider> {
  const { name, clientId, clientSecret } = settings;
  const presets: Readonly<Record<string, ProviderPreset>> = PROVIDER_PRESETS;
  const preset = presets[name];
  const label = settings.label ?? preset?.label ?? labelOf(name);
  const scopes = settings.scopes ?? preset?.scopes ?? DEFAULT_SCOPES;
  const common = { name, label, scopes, clientId, clientSecret, logger };
  if (preset?.kind === 'oauth2') {
    const { createOAuth2Provider } = await import('#platform/oauth/openid/oauth2-provider.ts');
    return createOAuth2Provider({ ...common, preset });
  }
  const { createOpenIdProvider } = await import('#platform/oauth/openid/openid-provider.ts');
  const isEmailVerified = preset?.isEmailVerified;
  return createOpenIdProvider({
    ...common,
    issuer: preset?.issuer ?? settings.issuer ?? '',
    ...defined({ isEmailVerified }),
  });
}

/** `my-corp` → `My Corp` */
function labelOf(name: string): string {
  return name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');
}
