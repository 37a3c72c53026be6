//! Compiles the contract without a system protoc.

use prost::Message as _;

const FILES: [&str; 6] = [
    "latchkey/auth/v1/auth.proto",
    "latchkey/catalog/v1/catalog.proto",
    "latchkey/events/v1/events.proto",
    "latchkey/feed/v1/feed.proto",
    "latchkey/status/v1/status.proto",
    "latchkey/usage/v1/usage.proto",
];

fn main() -> anyhow::Result<()> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(FILES.map(|file| format!("proto/{file}")), ["proto"])?;
    let out = std::path::PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    let shared = [".latchkey.event.v1.Sealed.body", ".latchkey.feed.v1.FeedItem"];
    let configured =
        shared.into_iter().fold(tonic_prost_build::configure(), tonic_prost_build::Builder::bytes);
    configured.compile_fds(descriptors)?;
    Ok(())
}
