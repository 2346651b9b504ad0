import { createClient } from '@supabase/supabase-js'
import { SignJWT } from 'jose'
import { expect, it } from 'vitest'
import { startTestPlatform } from '../support/database.ts'

it('serves each user by row level security, refuses forged tokens, and leaves the grants alone', async () => {
  await using platform = await startTestPlatform()
  const { url, sql, keys } = platform
  await sql.unsafe(`
    create table public.notes (
      id int primary key, user_id uuid not null default auth.uid(), written_at timestamptz default '2026-01-02 03:04:05.6+00'
    );
    alter table public.notes enable row level security;
    revoke all on public.notes from anon, authenticated, service_role;
    grant select, insert on public.notes to authenticated;
    create policy notes_own on public.notes to authenticated using ((select auth.uid()) = user_id);
    create table public.closed (id int primary key);
    alter table public.closed enable row level security;`)
  const grants = () =>
    sql`select relname, relacl::text from pg_class where relnamespace::regnamespace::text in ('public', 'patchbay') order by 1`
  const before = await grants()

  const [anna, bert] = [createClient(url, keys.publishableKey), createClient(url, keys.publishableKey)]
  for (const [client, name] of [
    [anna, 'anna'],
    [bert, 'bert'],
  ] as const) {
    await client.auth.signUp({ email: `${name}@example.com`, password: 'a long password' })
  }
  expect((await anna.from('notes').insert({ id: 1 })).error).toBeNull()
  expect((await anna.from('notes').select('id, written_at')).data).toEqual([{ id: 1, written_at: '2026-01-02T03:04:05.6+00:00' }])
  expect((await bert.from('notes').select('id')).data).toEqual([])
  expect((await anna.from('closed').select()).error?.code).toBe('42501')
  expect((await anna.auth.getClaims()).data?.claims).toMatchObject({ role: 'authenticated' })

  const { data } = await anna.auth.getUser()
  const as = async (secret: string, expires: string) => {
    const token = await new SignJWT({ sub: data.user?.id ?? '', role: 'authenticated' })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime(expires)
      .sign(new TextEncoder().encode(secret))
    return fetch(`${url}/rest/v1/notes`, { headers: { apikey: keys.publishableKey, authorization: `Bearer ${token}` } })
  }
  expect((await as(keys.jwtSecret, '1h')).status).toBe(200)
  expect((await as(keys.jwtSecret, '-1h')).status).toBe(401)
  expect((await as('another secret', '1h')).status).toBe(401)
  expect((await fetch(`${url}/rest/v1/notes`)).status).toBe(401)
  expect(await grants()).toEqual(before)
})

it('answers preflight requests of browsers', async () => {
  await using platform = await startTestPlatform()
  const headers = {
    origin: 'http://localhost:3000',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'apikey',
  }
  for (const path of ['/rest/v1/endpoints', '/auth/v1/signup']) {
    const response = await fetch(platform.url + path, { method: 'OPTIONS', headers })
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-headers')).toBe('apikey')
  }
})
