import { silentLogger } from '#kernel/logger.ts';
import { createIdentityProviders } from '../../profiles/identity-providers.ts';
import { publicUrlOf } from '../../public-url.ts';
import type { Settings } from '../../settings.ts';
import { type Check, doubtful, type Finding, fine } from './finding.ts';

/** One check for each provider to sign in at. Without one the rest works, so it is a warning. */
export function signInChecks(settings: Settings): readonly Check[] {
  return settings.OAUTH_PROVIDERS.map((provider): Check => {
    const only = { ...settings, OAUTH_PROVIDERS: [provider] };
    return [provider.name, () => checkProvider(only, provider.name)];
  });
}

async function checkProvider(settings: Settings, name: string): Promise<Finding> {
  const callback = `${publicUrlOf(settings, settings.HTTP_PORT)}/api/v1/auth/oauth/${name}/callback`;
  const toRegister = `register the redirect URI ${callback}`;
  const [provider] = await createIdentityProviders(settings, silentLogger);
  try {
    const { url } = (await provider?.begin(callback)) ?? { url: callback };
    return fine(`signs in at ${new URL(url).host}; ${toRegister}`);
  } catch {
    const issuer = settings.OAUTH_PROVIDERS[0]?.issuer;
    return doubtful(`${issuer ?? name} does not answer as an issuer of OpenID Connect; ${toRegister}`);
  }
}
