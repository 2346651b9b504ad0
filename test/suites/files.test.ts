import { afterAll, beforeAll, expect, it } from 'vitest'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { providers } from '../../src/shared/providers/registry.ts'
import { fileSuite } from './files.suite.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(() => sandbox.close())

const kinds = providers.flatMap((definition) =>
  Object.entries(definition.streams).map(([endpointType, stream]) => ({ definition, endpointType, stream })),
)

for (const kind of kinds) fileSuite(kind)

it('the sandbox has files of every endpoint type that can be synced', async () => {
  const types = await sandboxClient(sandbox.url).fileTypes()
  expect(types.toSorted()).toEqual(kinds.map(({ endpointType }) => endpointType).toSorted())
})
