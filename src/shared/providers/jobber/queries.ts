import type { ApiRequest } from '../define.ts'

/** Which account the token is for; any scope will do. */
export const accountQuery = graphql('query Account { account { id name } }')

/** A page of the account's clients. Without `first`, Jobber would count a hundred whatever came. */
export function clientsQuery(after: string | null): ApiRequest {
  return graphql(
    `
      query Clients($first: Int!, $after: String) {
        clients(first: $first, after: $after) {
          nodes {
            id
            name
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    `,
    { first: 100, after },
  )
}

/** Ends every connection between the account and the app. */
export const disconnectMutation = graphql('mutation Disconnect { appDisconnect { app { name } userErrors { message } } }')

/** The API has one address, which is the base URL itself. */
function graphql(query: string, variables?: Readonly<Record<string, unknown>>): ApiRequest {
  return { method: 'POST', path: '', json: { query, variables }, repeatable: true }
}
