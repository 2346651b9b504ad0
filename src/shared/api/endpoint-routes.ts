import { z } from 'zod'
import { endpointSettings, integrationFor } from '../endpoints/find-endpoint.ts'
import { EndpointTest } from '../endpoints/endpoint-test.ts'
import { testEndpoint } from '../endpoints/test-endpoint.ts'
import { streamFor } from '../providers/registry.ts'
import { fileFilter } from '../sync/file-filter.ts'
import { providerRequestPoints } from './limiter.ts'
import { type Route, route } from './route.ts'

/** A test asks the provider several times. */
const points = 2 * providerRequestPoints

const Settings = z.strictObject({
  endpoint_type: z.string().min(1).max(63),
  endpoint_config: z.record(z.string(), z.unknown()).default({}),
  file_types: z.array(z.string()).nullable().default(null),
  integration_id: z.guid().optional().describe('The account; may be left out as in a new endpoint.'),
})

/** The routes about endpoints. What the database can do by itself is a function there: sync_endpoint(), pause_endpoint(), … */
export const endpointRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/endpoints/:id/test',
    summary: 'Tries what a sync of this endpoint needs, and writes nothing.',
    input: z.strictObject({}),
    answer: EndpointTest,
    errors: ['not_found', 'unknown_provider'],
    points,
    handle: async ({ runtime, user, part }) => testEndpoint(runtime, await endpointSettings(runtime.sql, user.id, part('id'))),
  }),

  route({
    method: 'post',
    path: '/endpoints/test',
    summary: 'The same for an endpoint that is still to be made, by its settings.',
    input: Settings,
    answer: EndpointTest,
    errors: ['not_found', 'unknown_provider'],
    points,
    handle: async (
      { runtime, user },
      { endpoint_type: endpointType, endpoint_config: config, file_types: fileTypes, integration_id: id },
    ) => {
      const { provider } = streamFor(endpointType)
      fileFilter(fileTypes)
      return testEndpoint(runtime, {
        endpointType,
        config,
        fileTypes,
        integration: await integrationFor(runtime.sql, user.id, provider, config, id),
      })
    },
  }),
]
