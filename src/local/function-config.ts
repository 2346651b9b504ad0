import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parse } from 'smol-toml'
import { z } from 'zod'

const Config = z.object({
  functions: z
    .record(
      z.string(),
      z.object({
        verify_jwt: z.boolean().optional(),
        import_map: z.string().optional(),
        entrypoint: z.string().optional(),
      }),
    )
    .default({}),
})

export interface FunctionConfig {
  /** Absolute path of the module whose default export has `fetch`. */
  entrypoint: string
  /** Absolute path of the `deno.json` or import map; undefined: no bare specifiers. */
  importMap: string | undefined
  /** Whether the platform demands a JWT or an API key before the function runs. */
  verifyJwt: boolean
}

/** Reads one function's settings from `supabase/config.toml`, as a deploy does; undefined when there is no such function. */
export async function readFunctionConfig(projectDir: string, name: string): Promise<FunctionConfig | undefined> {
  const supabaseDir = join(projectDir, 'supabase')
  const functionDir = join(supabaseDir, 'functions', name)
  const text = await readFile(join(supabaseDir, 'config.toml'), 'utf8').catch(() => '')
  const config = Config.parse(parse(text)).functions[name] ?? {}
  const entrypoint = config.entrypoint ? resolve(supabaseDir, config.entrypoint) : join(functionDir, 'index.ts')
  if (!existsSync(entrypoint)) return undefined
  return { entrypoint, importMap: importMapOf(config.import_map, supabaseDir, functionDir), verifyJwt: config.verify_jwt ?? true }
}

function importMapOf(named: string | undefined, supabaseDir: string, functionDir: string): string | undefined {
  if (named !== undefined) return resolve(supabaseDir, named)
  return ['deno.json', 'deno.jsonc'].map((file) => join(functionDir, file)).find(existsSync)
}
