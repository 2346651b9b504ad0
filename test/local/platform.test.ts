import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '@supabase/supabase-js'
import { expect, it } from 'vitest'
import { startPlatform } from '../../src/local/platform.ts'
import { scratchDir, scratchProject } from './scratch.ts'

const project = {
  'supabase/migrations/20260101000000_create_notes.sql': `
    create table public.notes (id int primary key, user_id uuid not null default auth.uid());
    alter table public.notes enable row level security;
    revoke all on public.notes from anon, authenticated, service_role;
    grant select, insert on public.notes to authenticated;
    create policy notes_own on public.notes to authenticated using ((select auth.uid()) = user_id);`,
  'supabase/functions/hello/index.ts': `export default { fetch: () => new Response('hello') }`,
  'supabase/config.toml': '[functions.hello]\nverify_jwt = false\n',
}

it('starts from nothing, keeps everything, and starts again within three seconds', async () => {
  await using dir = await scratchDir()
  await using files = await scratchProject(project)
  const options = { dataDir: dir.path, projectDir: files.path, port: 0, durable: false }
  const steps: string[] = []
  const first = await startPlatform({ ...options, progress: (step) => steps.push(step) })
  const client = createClient(first.url, first.keys.publishableKey)
  await client.auth.signUp({ email: 'a@example.com', password: 'a long password' })
  expect(await client.from('notes').insert({ id: 1 })).toMatchObject({ status: 201 })
  await first.stop()
  expect(steps.at(-1)).toBe('Ready')

  const began = performance.now()
  await using second = await startPlatform(options)
  expect(performance.now() - began).toBeLessThan(3000)
  const again = createClient(second.url, first.keys.publishableKey)
  await again.auth.signInWithPassword({ email: 'a@example.com', password: 'a long password' })
  expect(await again.from('notes').select('id')).toMatchObject({ data: [{ id: 1 }] })
})

it('says what to do when the port is in use', async () => {
  await using dir = await scratchDir()
  const squatter = createServer().listen(0, '127.0.0.1')
  await once(squatter, 'listening')
  const { port } = squatter.address() as AddressInfo
  await expect(startPlatform({ dataDir: dir.path, port })).rejects.toThrow(`Port ${port} is in use`)
  squatter.close()
})

it('says what to do when the database is ahead of the migrations', async () => {
  await using dir = await scratchDir()
  await using files = await scratchProject(project)
  await using empty = await scratchProject({ 'supabase/config.toml': '' })
  const options = { dataDir: dir.path, port: 0, durable: false }
  await (await startPlatform({ ...options, projectDir: files.path })).stop()
  await expect(startPlatform({ ...options, projectDir: empty.path })).rejects.toThrow('npm run reset')
})

it('leaves no process behind when it is killed, and starts again', async () => {
  await using dir = await scratchDir()
  await using files = await scratchProject(project)
  const options = { dataDir: dir.path, projectDir: files.path, port: 0, durable: false }
  const script = `
    import { startPlatform } from ${JSON.stringify(new URL('../../src/local/platform.ts', import.meta.url).href)}
    const { url } = await startPlatform(${JSON.stringify(options)})
    await (await fetch(url + '/functions/v1/hello')).text()
    console.log('running')`
  const victim = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(createInterface({ input: victim.stdout }), 'line')
  expect(await processesIn(dir.path, files.path)).not.toHaveLength(0)
  victim.kill('SIGKILL')

  const second = await startPlatform(options)
  expect(await (await fetch(`${second.url}/functions/v1/hello`)).text()).toBe('hello')
  await second.stop()
  for (let i = 0; i < 50 && (await processesIn(dir.path, files.path)).length > 0; i += 1) await sleep(20)
  expect(await processesIn(dir.path, files.path)).toEqual([])
})

/** The command lines that name one of these folders. */
async function processesIn(...folders: string[]): Promise<string[]> {
  const ps = spawn('ps', ['-eo', 'args'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = (await ps.stdout.toArray()).join('').split('\n')
  return lines.filter((line) => folders.some((folder) => line.includes(folder)) && !line.includes('--input-type'))
}
