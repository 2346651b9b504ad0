import { buildSchema } from 'graphql'

/**
 * What is simulated of Jobber's schema, version 2026-07-27: types, fields, arguments and nullability are its own.
 * https://developer.getjobber.com/docs/using_jobbers_api/api_queries_and_mutations
 */
export const schema = buildSchema(`
  scalar EncodedId
  scalar ISO8601DateTime

  type Query {
    account: Account
    client(id: EncodedId!): Client
    clients(after: String, first: Int): ClientConnection!
  }

  type Mutation {
    appDisconnect: AppDisconnectPayload!
  }

  type Account {
    countryCode: String
    createdAt: ISO8601DateTime!
    id: EncodedId!
    name: String!
  }

  type Client {
    companyName: String
    createdAt: ISO8601DateTime!
    firstName: String!
    id: EncodedId!
    isArchived: Boolean!
    isCompany: Boolean!
    isLead: Boolean!
    jobberWebUri: String!
    lastName: String!
    name: String!
    updatedAt: ISO8601DateTime!
  }

  type ClientConnection {
    edges: [ClientEdge!]
    nodes: [Client!]!
    pageInfo: PageInfo!
    totalCount: Int!
  }

  type ClientEdge {
    cursor: String!
    node: Client!
  }

  type PageInfo {
    endCursor: String
    hasNextPage: Boolean!
    hasPreviousPage: Boolean!
    startCursor: String
  }

  type AppDisconnectPayload {
    app: Application
    userErrors: [MutationErrors!]!
  }

  type Application {
    author: String!
    name: String!
  }

  type MutationErrors {
    message: String!
    path: [String!]!
  }
`)
