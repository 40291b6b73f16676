//! Clients of `chatapp`: a program written after the document, run against ours.
//!
//! It needs Python 3.

mod program_support;

use std::path::Path;
use std::process::Command;

use program_support::{Start, runner, temporary};

#[test]
#[ignore = "needs Python 3"]
fn clients_in_python_find_everything_as_the_document_says() {
    let dir = temporary();
    let start = Start::in_dir(dir.path()).args(["--listen", "chatapp=127.0.0.1:0"]).listeners(2);
    let server = start.unhurried().serve();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/chatapp.py");
    let [port, mec] = ["chatapp", "mec"].map(|name| server.address_of(name).port().to_string());
    let output =
        runner::output(Command::new("python3").arg(program).args(["127.0.0.1", &port, &mec]));
    let output = output.expect("python3 can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    server.stop();
}
