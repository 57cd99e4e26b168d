//! The protobuf API of Everturn as Rust types, generated at build time from
//! `proto/`.

/// Package `everturn.v1`.
#[allow(
    missing_docs,
    clippy::all,
    clippy::too_many_lines,
    reason = "generated code"
)]
pub mod v1 {
    tonic::include_proto!("everturn.v1");
}

/// The encoded file descriptors of the API, for server reflection.
pub const FILE_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
