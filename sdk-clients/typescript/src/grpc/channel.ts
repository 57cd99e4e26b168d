/** How connections are made: address, credentials and the settings of the channel. */

import { type ChannelCredentials, type ClientOptions, credentials } from "@grpc/grpc-js";

/** How to connect. */
export interface ConnectOptions {
  /** Credentials of grpc-js, for TLS. Default: none, plain text. */
  readonly credentials?: ChannelCredentials;
  /** More settings of the grpc-js channel. */
  readonly channelOptions?: ClientOptions;
}

const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

/** The credentials to connect with. */
export function credentialsOf(options: ConnectOptions): ChannelCredentials {
  return options.credentials ?? credentials.createInsecure();
}

/** The settings of a channel. */
export function channelOptions(options: ConnectOptions): ClientOptions {
  return {
    "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
    // A server may be configured for larger ones.
    "grpc.max_receive_message_length": 4 * MESSAGE_BYTES_MAX,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2_000,
    // Each client has its own connection: closing one does not disturb others.
    "grpc.use_local_subchannel_pool": 1,
    ...options.channelOptions,
  };
}

/** The address of the coordinator: given, or `EVERTURN_ADDRESS`, or `127.0.0.1:7400`. */
export function addressOf(given: string | undefined): string {
  return given ?? (process.env["EVERTURN_ADDRESS"] || "127.0.0.1:7400");
}

/** The namespace: given, or `EVERTURN_NAMESPACE`, or `default`. */
export function namespaceOf(given: string | undefined): string {
  return given ?? (process.env["EVERTURN_NAMESPACE"] || "default");
}
