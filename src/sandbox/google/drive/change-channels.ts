import { hash } from 'node:crypto'
import type { drive_v3 } from '@googleapis/drive'
import { z } from 'zod'
import type { SandboxClock } from '../../clock.ts'
import type { Deliveries, DeliveryOrder, DeliveryPolicy } from '../../deliveries.ts'
import { StateFile } from '../../state-file.ts'
import { findAccount } from '../accounts.ts'
import { ApiError } from '../api-error.ts'
import type { Viewer } from './access.ts'
import { channelIdNotUnique, channelNotFound, readStopBody, readWatchBody } from './channel-request.ts'
import type { DriveStore } from './drive-store.ts'
import { hasNews, readChangeToken, readFeed } from './list-changes.ts'
import type { Parameters } from './parameters.ts'

const Channel = z.object({
  id: z.string(),
  resourceId: z.string(),
  resourceUri: z.string(),
  address: z.string(),
  token: z.string().nullable(),
  expiration: z.number(),
  /** Whose changes, and which of them: the parameters of the watch request. */
  account: z.string(),
  onlyClient: z.string().nullable(),
  parameters: z.record(z.string(), z.string()),
  /** The app that made it, and alone may stop it. */
  clientId: z.string(),
  /** Changes before this one were told, or looked at and found to be no news. */
  told: z.number(),
})
type Channel = z.output<typeof Channel>
const State = z.object({ version: z.literal(1), channels: z.array(Channel) })

// Google tells of many changes at once, seconds later. Tests wait for this: a moment has to do.
const coalescedMs = 50
// https://developers.google.com/workspace/drive/api/guides/push#response-to-notifications. The waits and the patience are not documented.
const policy: DeliveryPolicy = {
  timeoutMs: 10_000,
  retryAfterMs: [200, 400, 800, 1600, 3200],
  judge: (status) => {
    if (status === null || [500, 502, 503, 504].includes(status)) return 'again'
    return [200, 201, 202, 204].includes(status) ? 'accepted' : 'refused'
  },
}

interface ChannelOptions {
  store: DriveStore
  clock: SandboxClock
  deliveries: Deliveries
  /** Where channels survive a restart; undefined: nowhere. */
  path: string | undefined
}

/**
 * The push channels of changes.watch. A notification says that there is something new in the feed, and never what: it has no body. Its
 * number is that of the change log, so that it grows over a restart too; Google's are not consecutive either.
 */
export class ChangeChannels {
  readonly #options: ChannelOptions
  readonly #channels = new Map<string, Channel>()
  readonly #file: StateFile | null

  private constructor(options: ChannelOptions) {
    this.#options = options
    this.#file = options.path === undefined ? null : new StateFile(options.path)
  }

  /** Takes up the channels of the last run. What has changed since then is told. */
  static async open(options: ChannelOptions): Promise<ChangeChannels> {
    const channels = new ChangeChannels(options)
    const stored = await channels.#file?.load()
    for (const channel of stored === undefined ? [] : State.parse(stored).channels) {
      channels.#channels.set(channel.id, channel)
      if (channel.told < options.store.changes.next) channels.#tellSoon(channel)
    }
    options.store.changes.onChange = () => {
      for (const channel of channels.#channels.values()) channels.#tellSoon(channel)
    }
    return channels
  }

  /** Answers changes.watch, and sends `sync`, which may arrive before the answer does. Throws ApiError. */
  watch(body: string, parameters: Parameters, viewer: Viewer, clientId: string): drive_v3.Schema$Channel {
    const { store, clock } = this.#options
    readFeed(parameters, store, viewer)
    readChangeToken(parameters, store)
    const { id, address, token, expiration } = readWatchBody(body, clock.now())
    this.#forgetExpired()
    if (this.#channels.has(id)) throw channelIdNotUnique(id)
    const channel: Channel = {
      id,
      address,
      token,
      expiration,
      resourceId: resourceId(viewer.account.email, parameters['driveId']),
      resourceUri: `https://www.googleapis.com/drive/v3/changes?${new URLSearchParams({ alt: 'json', ...parameters }).toString()}`,
      account: viewer.account.email,
      onlyClient: viewer.onlyClient,
      parameters,
      clientId,
      told: store.changes.next,
    }
    this.#channels.set(id, channel)
    this.#save()
    this.#options.deliveries.send(this.#message(channel, 'sync', 1))
    const { resourceUri } = channel
    return {
      kind: 'api#channel',
      id,
      resourceId: channel.resourceId,
      resourceUri,
      ...(token !== null && { token }),
      expiration: String(expiration),
    }
  }

  /** Answers channels.stop. Throws ApiError for a channel that is not there, or not this user's and app's. */
  stop(body: string, viewer: Viewer, clientId: string): void {
    const { id, resourceId: resource } = readStopBody(body)
    this.#forgetExpired()
    const channel = this.#channels.get(id)
    const own = channel?.account === viewer.account.email && channel.clientId === clientId
    if (!own || channel.resourceId !== resource) throw channelNotFound(id)
    this.#channels.delete(id)
    this.#save()
  }

  /** How many channels are in force. */
  live(): number {
    this.#forgetExpired()
    return this.#channels.size
  }

  async flush(): Promise<void> {
    await this.#file?.flush()
  }

  #tellSoon(channel: Channel): void {
    this.#options.deliveries.sendSoon(`channel ${channel.id}`, coalescedMs, () => this.#news(channel))
  }

  #news(channel: Channel): DeliveryOrder | null {
    if (!this.#inForce(channel)) return null
    const { changes } = this.#options.store
    const begin = channel.told
    channel.told = changes.next
    this.#save()
    return this.#hasNews(channel, begin) ? this.#message(channel, 'change', changes.next) : null
  }

  #hasNews({ account: email, onlyClient, parameters }: Channel, begin: number): boolean {
    const { store } = this.#options
    const account = findAccount(email)
    try {
      return account !== undefined && hasNews(readFeed(parameters, store, { account, onlyClient }), store, begin)
    } catch (error) {
      // The account has left the shared drive: there is nothing to tell it any more.
      if (error instanceof ApiError) return false
      throw error
    }
  }

  #message(channel: Channel, state: 'sync' | 'change', number: number): DeliveryOrder {
    return {
      url: channel.address,
      headers: {
        'content-type': 'application/json; utf-8',
        'user-agent': 'APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)',
        'x-goog-channel-id': channel.id,
        'x-goog-channel-expiration': new Date(channel.expiration).toUTCString(),
        ...(channel.token !== null && { 'x-goog-channel-token': channel.token }),
        'x-goog-message-number': String(number),
        'x-goog-resource-id': channel.resourceId,
        'x-goog-resource-state': state,
        'x-goog-resource-uri': channel.resourceUri,
      },
      body: '',
      policy,
      wanted: () => this.#inForce(channel),
    }
  }

  #inForce(channel: Channel): boolean {
    return this.#channels.get(channel.id) === channel && this.#options.clock.now() < channel.expiration
  }

  #forgetExpired(): void {
    for (const channel of this.#channels.values()) if (!this.#inForce(channel)) this.#channels.delete(channel.id)
  }

  #save(): void {
    this.#file?.save(() => ({ version: 1, channels: [...this.#channels.values()] }))
  }
}

// The same for the same feed of the same user, whatever the channel.
function resourceId(email: string, driveId: string | undefined): string {
  return hash('sha256', `changes/${email}/${driveId ?? ''}`, 'base64url').slice(0, 27)
}
