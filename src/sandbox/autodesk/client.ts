import { adminCall } from '../admin-call.ts'
import { FirstProject, type NewVersion, type RateLimits } from './admin-contract.ts'

/** What only Autodesk can be told. `url` is the sandbox's own. Every call throws when the sandbox refuses it or cannot be reached. */
export function autodeskSandbox(url: string) {
  const call = adminCall(url)
  return {
    /** The administrator of a person's accounts adds the app to the custom integrations, or removes it. */
    addApp: async (account: string, added: boolean) =>
      void (await call('POST', '/autodesk/custom-integrations', { account, added })),
    /** Switches the published limits on or off; they are off from the start. */
    setRateLimits: async (limits: RateLimits) => void (await call('POST', '/autodesk/rate-limits', limits)),
    /** The project that has the files from disk. */
    firstProject: async () => FirstProject.parse(await call('GET', '/autodesk/first-project')),
    /** Gives a file a new version. */
    addVersion: async (version: NewVersion) => void (await call('POST', '/autodesk/versions', version)),
  }
}
