import { afterAll } from 'vitest'
import { providers } from '../../src/shared/providers/registry.ts'
import { providerSuite } from './provider.suite.ts'
import { disperse } from './stampede.ts'

afterAll(disperse)

for (const provider of providers) providerSuite(provider)
