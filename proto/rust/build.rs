//! Compiles `proto/` with a compiler written in Rust, so that no protoc is
//! needed, and keeps the descriptors for server reflection.

use std::path::PathBuf;

use prost::Message as _;

const FILES: [&str; 4] = [
    "everturn/v1/conversation_service.proto",
    "everturn/v1/task_queue_service.proto",
    "everturn/v1/worker_service.proto",
    "everturn/v1/workflow_service.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("..");
    println!("cargo:rerun-if-changed={}", root.join("everturn").display());
    let mut files: Vec<&str> = FILES.to_vec();
    files.push("everturn/v1/error_reason.proto");
    let descriptors = protox::compile(files, [&root])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".")
        .compile_fds(descriptors)?;
    Ok(())
}
