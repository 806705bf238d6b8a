// A certified OpenID provider on the loopback, for one test. What it is to be comes as JSON on standard input:
//   host, port: to listen on; port 0 takes a free one
//   tls: key and cert, PEM, when it is to be HTTPS
//   clients: as in OpenID Connect Dynamic Client Registration
//   key: name of the signing keys; another name is another set of keys
//   in_id_token: claims are in the ID token too, not only at the userinfo endpoint
//   token_seconds: how long an ID token is good
// It prints its issuer as one line of JSON when it is ready, and ends when its standard input does.
// People sign in with plain form posts: `account` to /interaction/<id>/login, nothing to …/confirm or …/abort.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createInterface } from 'node:readline';
import { generateKeyPairSync } from 'node:crypto';
import Provider, { errors } from 'oidc-provider';

const accounts = {
  alice: { preferred_username: 'alice', email: 'alice@uni.example', email_verified: true, groups: ['hpc', 'staff'] },
  bob: {
    preferred_username: 'bob@uni.example',
    email: 'bob@uni.example',
    email_verified: false,
    groups: ['hpc'],
    realm_access: { roles: ['hpc-admin', 'offline_access'] },
  },
  mallory: { preferred_username: '../../root', email: 'mallory@elsewhere.example', groups: ['guests'] },
};

const lines = createInterface({ input: process.stdin });
lines.once('close', () => process.exit(0));
const wanted = JSON.parse((await once(lines, 'line'))[0]);

// The issuer's address has the port in it, so it listens first.
const server = wanted.tls ? createTlsServer(wanted.tls) : createServer();
await new Promise((listening) => server.listen(wanted.port, wanted.host, listening));
const issuer = `${wanted.tls ? 'https' : 'http'}://${wanted.host}:${server.address().port}`;

const pair = (kind, options) => generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' });
const keys = [
  // For RS256 and PS256.
  { ...pair('rsa', { modulusLength: 2048 }), use: 'sig', kid: `${wanted.key}-rsa` },
  { ...pair('ec', { namedCurve: 'P-256' }), use: 'sig', alg: 'ES256', kid: `${wanted.key}-ec` },
  { ...pair('ed25519', {}), use: 'sig', alg: 'EdDSA', kid: `${wanted.key}-ed` },
];
const claims = ['preferred_username', 'groups', 'realm_access'];
const provider = new Provider(issuer, {
  clients: wanted.clients,
  jwks: { keys },
  cookies: { keys: ['only a test'] },
  claims: { openid: ['sub'], profile: claims, email: ['email', 'email_verified'] },
  conformIdTokenClaims: !wanted.in_id_token,
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  pkce: { required: () => true },
  ttl: { IdToken: wanted.token_seconds, AccessToken: 600, Interaction: 600, Session: 600, Grant: 600 },
  findAccount: (_, sub) => {
    const account = accounts[sub];
    return account && { accountId: sub, claims: () => ({ sub, ...account }) };
  },
  renderError: (ctx, out) => {
    ctx.type = 'json';
    ctx.body = out;
  },
});

const body = async (request) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  return new URLSearchParams(text);
};

const consent = async ({ params, session, grantId }) => {
  const grant = (grantId && (await provider.Grant.find(grantId)))
    || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  return { consent: { grantId: await grant.save() } };
};

const interact = async (request, response, action) => {
  const interaction = await provider.interactionDetails(request, response);
  if (request.method === 'GET') {
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify({ prompt: interaction.prompt.name }));
  }
  const result = {
    login: async () => ({ login: { accountId: (await body(request)).get('account') } }),
    confirm: () => consent(interaction),
    abort: () => ({ error: 'access_denied', error_description: 'the person said no' }),
  }[action];
  if (!result) throw new errors.InvalidRequest(`no such action: ${action}`);
  return provider.interactionFinished(request, response, await result(), { mergeWithLastSubmission: action === 'confirm' });
};

const callback = provider.callback();
server.on('request', (request, response) => {
  const [, action] = /^\/interaction\/[\w-]+(?:\/(\w+))?$/.exec(request.url) ?? [];
  if (!request.url.startsWith('/interaction/')) return callback(request, response);
  return interact(request, response, action).catch((error) => {
    response.statusCode = 400;
    response.end(String(error));
  });
});
console.log(JSON.stringify({ issuer }));
