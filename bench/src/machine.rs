//! The machine's facts, printed beside every table: figures of two machines cannot be compared without them.

use std::fs;

use serde::{Deserialize, Serialize};

/// What a reader needs to know about where figures come from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    /// Whether the two cores of `--cores` are threads of one, which share what is in it.
    pub(crate) siblings: bool,
    pub(crate) kernel: String,
    pub(crate) governor: String,
    pub(crate) mitigations: String,
    /// net.core.rmem_max, in bytes.
    pub(crate) rmem_max: String,
    /// What the sinks got, in bytes; the kernel counts its own overhead in.
    pub(crate) sink_receive_buffer: Option<usize>,
    /// One minute's load average when the run began: far from zero means that others were working too.
    pub(crate) load_average: String,
}

impl Machine {
    /// `chosen` are the cores that the run is pinned to.
    pub(crate) fn read(chosen: Option<(usize, usize)>) -> Self {
        Self {
            cpu: cpu_model(),
            cores: crate::os::allowed_cores().map_or(0, |cores| cores.len()),
            siblings: chosen.is_some_and(|(one, other)| {
                let folder = format!("/sys/devices/system/cpu/cpu{one}/topology");
                one != other && lists(&file(&format!("{folder}/thread_siblings_list")), other)
            }),
            kernel: file("/proc/sys/kernel/osrelease"),
            governor: file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            mitigations: mitigations(),
            rmem_max: file("/proc/sys/net/core/rmem_max"),
            sink_receive_buffer: None,
            load_average: file("/proc/loadavg").split(' ').next().unwrap_or("unknown").to_owned(),
        }
    }

    /// The lines above a table.
    pub(crate) fn describe(&self) -> String {
        let buffer = self.sink_receive_buffer.map_or("-".to_owned(), |bytes| bytes.to_string());
        let siblings = if self.siblings { ", those of --cores two threads of one" } else { "" };
        format!(
            "cpu {} · {} cores{siblings} · kernel {} · governor {} · load {}\nmitigations {}\nrmem_max {} · sink receive buffer {}",
            self.cpu,
            self.cores,
            self.kernel,
            self.governor,
            self.load_average,
            self.mitigations,
            self.rmem_max,
            buffer
        )
    }
}

fn cpu_model() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = field("model name").unwrap_or_else(|| "unknown".to_owned());
    match (field("cpu family"), field("model\t")) {
        (Some(family), Some(number)) => format!("{model} (family {family}, model {number})"),
        _ => model,
    }
}

/// The mitigations in force, shortened to what each is about.
fn mitigations() -> String {
    let Ok(entries) = fs::read_dir("/sys/devices/system/cpu/vulnerabilities") else {
        return "unknown".to_owned();
    };
    let mut active: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            let state = fs::read_to_string(entry.path()).ok()?;
            let how = state.trim().strip_prefix("Mitigation: ")?.split([';', ',']).next()?.to_owned();
            Some(format!("{}={how}", entry.file_name().to_string_lossy()))
        })
        .collect();
    active.sort();
    if active.is_empty() { "none".to_owned() } else { active.join(" · ") }
}

/// Whether a list of the kernel's, such as `0,2-3`, has that number in it.
fn lists(text: &str, number: usize) -> bool {
    text.split(',').any(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let bounds = first.trim().parse().ok().zip(last.trim().parse().ok());
        bounds.is_some_and(|(first, last): (usize, usize)| (first..=last).contains(&number))
    })
}

fn file(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| "none".to_owned(), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_one_core_are_found_in_what_the_kernel_lists() {
        for (text, number, listed) in
            [("0-1", 1, true), ("0,4", 4, true), ("0,4", 2, false), ("0", 1, false), ("none", 0, false)]
        {
            assert_eq!(lists(text, number), listed, "{text} {number}");
        }
    }
}
