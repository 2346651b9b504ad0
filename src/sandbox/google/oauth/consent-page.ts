import { html } from 'hono/html'
import { people } from '../accounts.ts'
import type { AuthorizeRequest } from './authorize.ts'

type Html = ReturnType<typeof html>

/** The page on which a user picks an account and agrees, or does not. A form without scripts: a program can fill it in as well. */
export function consentPage(requestId: string, request: AuthorizeRequest): Html {
  const chosen = people.find(({ email }) => email === request.loginHint) ?? people[0]
  const accounts = people.map(
    (account) =>
      html`<label class="choice">
        <input type="radio" name="account" value="${account.email}" ${account === chosen ? 'checked' : ''} />
        <span><b>${account.displayName}</b><br /><small>${account.email}</small></span>
      </label>`,
  )
  const scopes = request.scopes.map(
    (scope) =>
      html`<label class="choice">
        <input type="checkbox" name="scope" value="${scope}" checked />
        <span>${describe(scope)}<br /><small>${scope}</small></span>
      </label>`,
  )
  return page(
    'Sign in with Google (sandbox)',
    html`<h1>Sign in</h1>
      <p><b>${request.clientId}</b> wants access to your Google Account.</p>
      <form method="post" action="auth/consent">
        <input type="hidden" name="request" value="${requestId}" />
        <fieldset>
          <legend>Choose an account</legend>
          ${accounts}
        </fieldset>
        <fieldset>
          <legend>Select what the app can access</legend>
          ${scopes}
        </fieldset>
        <p class="buttons">
          <button name="decision" value="deny">Deny</button>
          <button name="decision" value="allow" class="primary">Allow</button>
        </p>
      </form>
      <p><small>You will be sent to ${request.redirectUri}</small></p>`,
  )
}

/** The page that Google shows instead of sending an unchecked browser anywhere. */
export function errorPage(code: string, message: string): Html {
  return page(
    'Access blocked (sandbox)',
    html`<h1>Access blocked</h1>
      <p>${message}</p>
      <p><small>Error 400: ${code}</small></p>`,
  )
}

function describe(scope: string): string {
  const name = scope.split('/').at(-1) ?? scope
  switch (name) {
    case 'drive':
      return 'See, edit, create and delete all of your Google Drive files'
    case 'drive.readonly':
      return 'See and download all your Google Drive files'
    case 'drive.metadata.readonly':
      return 'See information about your Google Drive files'
    case 'drive.file':
      return 'See, edit, create and delete only the Google Drive files that you use with this app'
    case 'openid':
    case 'email':
    case 'userinfo.email':
      return 'See your primary Google Account email address'
    default:
      return name
  }
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
