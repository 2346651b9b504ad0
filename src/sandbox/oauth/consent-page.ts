import { html } from 'hono/html'
import type { SandboxAccount } from '../admin-contract.ts'
import type { AuthorizationServerOptions, AuthorizeRequest } from './authorization-server.ts'

type Html = ReturnType<typeof html>

/** What the page's form is sent with. */
interface ConsentForm {
  /** Relative to the page. */
  action: string
  requestId: string
}

/** The page on which a user picks an account and agrees, or does not. A form without scripts: a program can fill it in as well. */
export function consentPage(form: ConsentForm, request: AuthorizeRequest, options: AuthorizationServerOptions): Html {
  const hint = request.parameters.get('login_hint')
  const { name, accounts } = options
  const suggested = accounts.find((account) => account.name === hint) ?? accounts[0]
  return page(
    `Sign in with ${name} (sandbox)`,
    html`<h1>Sign in</h1>
      <p><b>${request.clientId}</b> wants access to your ${name} account.</p>
      <form method="post" action="${form.action}">
        <input type="hidden" name="request" value="${form.requestId}" />
        <fieldset>
          <legend>Choose an account</legend>
          ${accounts.map((account) => accountChoice(account, account === suggested))}
        </fieldset>
        ${options.lines.map(({ name: line }) => scopeList(line, request.scopes[line] ?? [], options))}
        <p class="buttons">
          <button name="decision" value="deny">Deny</button>
          <button name="decision" value="allow" class="primary">Allow</button>
        </p>
      </form>
      <p><small>You will be sent to ${request.redirectUri}</small></p>`,
  )
}

/** The page that a provider shows instead of sending an unchecked browser anywhere. */
export function errorPage(code: string, message: string): Html {
  return page(
    'Access blocked (sandbox)',
    html`<h1>Access blocked</h1>
      <p>${message}</p>
      <p><small>Error 400: ${code}</small></p>`,
  )
}

function accountChoice({ name, label }: SandboxAccount, suggested: boolean): Html {
  return html`<label class="choice">
    <input type="radio" name="account" value="${name}" ${suggested ? 'checked' : ''} />
    <span><b>${label}</b>${label === name ? '' : html`<br /><small>${name}</small>`}</span>
  </label>`
}

function scopeList(line: string, scopes: readonly string[], { lines, authorize }: AuthorizationServerOptions): Html {
  if (scopes.length === 0) return html``
  const untickable = lines.some(({ name, scopes: kind }) => name === line && 'untickable' in kind && kind.untickable)
  const items = scopes.map((scope) => {
    const says = authorize?.describeScope?.(scope) ?? scope
    const text = html`<span>${says}${says === scope ? '' : html`<br /><small>${scope}</small>`}</span>`
    if (!untickable) return html`<li>${text}</li>`
    return html`<label class="choice"><input type="checkbox" name="scope" value="${scope}" checked />${text}</label>`
  })
  const title = lines.length === 1 ? 'What the app can access' : `What the app can access (${line})`
  return html`<fieldset>
    <legend>${title}</legend>
    ${
      untickable
        ? items
        : html`<ul>
            ${items}
          </ul>`
    }
  </fieldset>`
}

function page(title: string, body: Html): Html {
  return html`<!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
        <style>
          body {
            font:
              16px/1.5 system-ui,
              sans-serif;
            color: #1f1f1f;
            background: #f0f4f9;
            margin: 0;
          }
          main {
            max-width: 30rem;
            margin: 3rem auto;
            padding: 2rem;
            background: #fff;
            border-radius: 1rem;
          }
          h1 {
            margin: 0 0 0.5rem;
            font-weight: 500;
          }
          fieldset {
            border: 1px solid #c4c7c5;
            border-radius: 0.5rem;
            margin: 1rem 0;
          }
          ul {
            margin: 0;
            padding-left: 1.25rem;
            overflow-wrap: anywhere;
          }
          .choice {
            display: flex;
            gap: 0.75rem;
            align-items: start;
            padding: 0.4rem 0;
            overflow-wrap: anywhere;
          }
          small {
            color: #5f6368;
          }
          .buttons {
            display: flex;
            justify-content: end;
            gap: 0.75rem;
          }
          button {
            font: inherit;
            padding: 0.5rem 1.5rem;
            border: 1px solid #747775;
            border-radius: 2rem;
            background: #fff;
            color: #0b57d0;
            cursor: pointer;
          }
          .primary {
            background: #0b57d0;
            border-color: #0b57d0;
            color: #fff;
          }
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html>`
}
