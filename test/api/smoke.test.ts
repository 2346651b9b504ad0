import { expect, it } from 'vitest'
import { startTestApi } from './support.ts'
it('smoke', async () => {
  await using api = await startTestApi()
  const pat = await api.signUp()
  const id = await api.connect(pat, 'google-drive')
  const h = { 'cf-connecting-ip': '10.0.0.1' }
  for (const p of [
    '',
    '/google-drive/status',
    '/google-drive/me',
    '/google-drive/lists/drives',
    '/google-drive/lists/x',
    '/google-drive/scopes',
    '/nobody/status',
    '/google-drive/status?user_id=2',
    '/x/y/z',
    '/openapi.json',
  ])
    console.log(p, JSON.stringify(await api.call(`integrations${p}`, { user: pat, headers: h })).slice(0, 900))
  for (const [p, b] of [
    ['refresh', {}],
    ['reconnect', {}],
    ['tenant', { tenant_id: '1' }],
    ['status', {}],
    ['disconnect', { foo: 1 }],
    ['disconnect', ''],
    ['disconnect', {}],
  ] as const)
    console.log(
      p,
      JSON.stringify(await api.call(`integrations/google-drive/${p}`, { user: pat, body: b, headers: h })).slice(0, 600),
    )
  console.log(await api.sql`select * from patchbay.rate_limits`)
  console.log(await api.sql`select event, from_status, to_status, reason, actor, source, ip, user_agent from public.audit_log`)
  console.log(api.runtime.logged())
  expect(id).toBeTruthy()
})
