import { basename } from 'node:path'
import { Csdl } from './csdl.ts'
import { discoveryOperations } from './discovery.ts'
import { graphqlOperation } from './graphql.ts'
import { oauthOperations, type ServerMetadata } from './oauth.ts'
import { openApiOperations } from './open-api.ts'
import type { Contract } from './operation.ts'
import { endpointOperation } from './procore.ts'
import { errorCodes, methodOperation } from './slack.ts'
import { listSpecs, readSpec } from './specs.ts'

/** How each provider that publishes a description is checked against it. */
const contracts: Readonly<Record<string, () => Contract>> = {
  autodesk: () => ({
    operations: [
      ...openApiOperations(readSpec('autodesk/authentication.yaml'), 'developer.api.autodesk.com'),
      ...openApiOperations(readSpec('autodesk/authentication.yaml'), 'api.userprofile.autodesk.com'),
      ...openApiOperations(withAnyData(readSpec('autodesk/datamanagement.yaml')), 'developer.api.autodesk.com'),
      ...openApiOperations(readSpec('autodesk/webhooks.yaml'), 'developer.api.autodesk.com'),
    ],
    gaps: [
      { problem: /projects: answer 200 \/data must NOT have fewer than 1 items/, why: 'the suite makes a page empty' },
      { problem: /projects: query .*"page\[shift\]"/, why: 'the link after such a page carries it, and links are followed' },
    ],
    fileGaps: [
      { problem: /(create|lastModified)User(Id|Name) must NOT have fewer than 1/, why: 'empty in the recorded top folder' },
      { problem: /contents: answer 200 \/data must NOT have fewer than 1 items/, why: 'folders may be empty' },
    ],
  }),
  'google-calendar': () => ({
    operations: [...oauthOperations(metadata('google')), ...discoveryOperations(readSpec('google-calendar/calendar.v3.json'))],
  }),
  'google-drive': () => ({
    operations: [
      ...oauthOperations(metadata('google')),
      ...discoveryOperations(readSpec('google-drive/drive.v3.discovery.json')),
    ],
  }),
  jobber: () => ({
    operations: [
      // Described in prose only, which says no more than RFC 6749.
      ...oauthOperations({
        authorization_endpoint: 'https://api.getjobber.com/api/oauth/authorize',
        token_endpoint: 'https://api.getjobber.com/api/oauth/token',
      }),
      graphqlOperation(readSpec('jobber/jobber-schema-2026-07-27.graphql'), 'api.getjobber.com', '/api/graphql'),
    ],
    gaps: [{ problem: /oauth\/token: answer 200 .*"token_type"/, why: 'no recorded answer has it' }],
  }),
  outlook: () => {
    const graph = new Csdl(readSpec('microsoft-graph/v1.0-calendar-trimmed.csdl'))
    return {
      operations: [
        ...oauthOperations(metadata('microsoft')),
        graph.get('graph.microsoft.com', '/v1.0/me', 'user', 'one'),
        graph.get('graph.microsoft.com', '/v1.0/me/calendars', 'calendar', 'many'),
      ],
      gaps: [{ problem: /calendars: answer .*"groupClassId"/, why: 'every recorded calendar has it' }],
    }
  },
  procore: () => ({
    operations: [
      // `state` is RFC 6749's, and not in the description.
      endpointOperation(details('OauthAuthorizeGet'), 'login.procore.com', { state: { type: 'string' } }),
      endpointOperation(details('OauthTokenPost'), 'login.procore.com'),
      endpointOperation(details('OauthRevokePost'), 'login.procore.com'),
      endpointOperation(details('RestV10MeGet'), 'api.procore.com'),
      endpointOperation(details('RestV10CompaniesGet'), 'api.procore.com'),
    ],
    gaps: [
      { problem: /v1.0\/me: answer 200 \/name must be string/, why: 'its own prose: without a company there is no name' },
      { problem: /logo_url must be string/, why: 'a company without a logo; nothing says which fields may be null' },
      { problem: /pcn_business_experience must be boolean/, why: 'null in the recorded company' },
    ],
  }),
  slack: () => {
    const texts = listSpecs('slack/methods').filter((path) => !path.endsWith('/_common_errors.json'))
    // A fault strikes any method, in words that only some of them list.
    const known = errorCodes(texts.map(readSpec), readSpec('slack/methods/_common_errors.json'))
    return {
      operations: [
        ...oauthOperations(metadata('slack')).filter(({ method }) => method === 'GET'),
        ...texts.flatMap((path) => methodOperation(basename(path, '.json'), readSpec(path), known)),
      ],
    }
  },
}

/** Undefined: nobody has a description of it. */
export function contractOf(providerId: string): Contract | undefined {
  return contracts[providerId]?.()
}

/** What is in an extension's `data` is described as objects; the description's own examples have texts and lists. */
function withAnyData(description: string): string {
  return description.replaceAll(/(additionalProperties:\n\s+)type: object/g, '$1title: Anything')
}

function metadata(name: string): ServerMetadata {
  const servers = JSON.parse(readSpec('oauth/provider-as-metadata.json')) as Record<string, ServerMetadata>
  const server = servers[name]
  if (server === undefined) throw new Error(`There is no metadata of ${name}.`)
  return server
}

function details(operationId: string): string {
  return readSpec(`procore/endpoint-details/${operationId}.json`)
}
