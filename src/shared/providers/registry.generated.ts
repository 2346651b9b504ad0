// Written by scripts/generate-registry.ts, which npm run new:provider runs: do not edit.
import type { ProviderDefinition } from './define.ts'
import { provider as autodesk } from './autodesk/definition.ts'
import { provider as googleCalendar } from './google-calendar/definition.ts'
import { provider as googleDrive } from './google-drive/definition.ts'
import { provider as jobber } from './jobber/definition.ts'
import { provider as outlook } from './outlook/definition.ts'
import { provider as procore } from './procore/definition.ts'
import { provider as slack } from './slack/definition.ts'

export const providers: readonly ProviderDefinition[] = [autodesk, googleCalendar, googleDrive, jobber, outlook, procore, slack]
