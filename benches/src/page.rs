//! Prints results, and puts them into `docs/performance.md` if `PAGE` says where that is.

use std::fs;
use std::path::PathBuf;

fn page() -> Option<PathBuf> {
    std::env::var_os("PAGE").map(PathBuf::from)
}

/// Prints a part of the page, and puts it into the page between the marks of its name.
pub fn show(name: &str, text: &str) {
    let text = format!("{}\n\n{}", about(), text.trim_end());
    println!("{text}");
    let Some(path) = page() else { return };
    let (begin, end) = (format!("<!-- {name} begins -->\n"), format!("\n<!-- {name} ends -->"));
    let before = fs::read_to_string(&path).expect("the page is there");
    let from =
        before.find(&begin).expect("the page has a mark where this part begins") + begin.len();
    let to = before.find(&end).expect("the page has a mark where this part ends");
    fs::write(&path, format!("{}{text}{}", &before[..from], &before[to..]))
        .expect("the page is ours");
}

/// Puts a picture beside the page.
pub fn draw(name: &str, picture: &str) {
    if let Some(path) = page() {
        fs::write(path.with_file_name(format!("{name}.svg")), picture).expect("the folder is ours");
    }
}

/// The command, the machine and the date.
fn about() -> String {
    let word = |name: &str| std::env::var(name).unwrap_or_default();
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("unknown");
    let cores =
        std::fs::read_to_string("/proc/cpuinfo").map_or(0, |it| it.matches("processor\t:").count());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release: Vec<&str> = kernel.trim().split('.').take(2).collect();
    format!(
        "`{}`, {}: {} processors, {}; Linux {}.",
        word("COMMAND"),
        word("TODAY"),
        cores,
        model.trim(),
        release.join(".")
    )
}
