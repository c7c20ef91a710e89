//! Getting an image onto units: the first one onto a disk, later ones over ssh.

mod first;
pub mod fleet;
pub mod report;

pub use first::{first, provisioned_disk};

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::debian::sha256;
use crate::error::Error;
use crate::ssh::Host;

/// Longest time from the restart until the unit has decided which slot it keeps: three attempts, or
/// the program's own deadline and one more start.
const DECISION_TIME_MAX: Duration = Duration::from_secs(20 * 60);
const ASK_INTERVAL: Duration = Duration::from_secs(3);

/// Questions without an answer, the last ones, after which a unit is lost: a minute of them, longer
/// than a start takes.
const UNANSWERED_MAX: usize = 20;

/// Attempts that the boot script gives a slot; a proven one has them all.
const ATTEMPTS: &str = "3";

/// What has become of a unit's update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It runs the new version and has confirmed it.
    Updated {
        /// What ran before.
        from: String,
    },
    /// It ran this version already.
    UpToDate,
    /// It has tried the new version and went back.
    FellBack {
        /// What runs.
        version: String,
    },
    /// It did not take the bundle.
    Refused {
        /// What it said.
        reason: String,
    },
    /// It cannot be reached; nothing was changed.
    Unreachable {
        /// What ssh said.
        reason: String,
    },
    /// It answers, and has neither confirmed what it runs nor gone back: its program is not healthy.
    Unproven {
        /// What runs.
        version: String,
    },
    /// It has not restarted, or not come back from that.
    Lost,
    /// It was left alone, after another unit's failure.
    NotTried,
}

impl Outcome {
    /// Whether the bundle itself may be at fault, so that no other unit should get it.
    pub fn is_alarming(&self) -> bool {
        matches!(
            self,
            Self::FellBack { .. } | Self::Refused { .. } | Self::Unproven { .. } | Self::Lost
        )
    }

    /// Whether the unit runs the version.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Updated { .. } | Self::UpToDate)
    }
}

/// What a unit is doing while it is updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many bytes of the bundle are there.
    Sending(u64),
    /// The bundle is checked and written into the other slot.
    Installing,
    /// The unit starts, and proves itself.
    OnTrial,
}

/// How a unit is.
#[derive(Clone, Debug)]
struct State {
    version: String,
    /// Another one after each start.
    boot: String,
    /// Whether the slot was confirmed since the start.
    is_proven: bool,
}

/// Updates a unit over ssh and waits for what it decides.
pub fn update(host: &Host, bundle: &Path, version: &str, step: &mut dyn FnMut(Step)) -> Outcome {
    let before = match state(host) {
        Ok(state) => state,
        Err(error) => return unreachable(error),
    };
    let is_there = before.version == version;
    if is_there && before.is_proven {
        return Outcome::UpToDate;
    }
    if !is_there {
        if let Err(outcome) = install(host, bundle, step) {
            return outcome;
        }
        // What the command answers is lost when the unit is fast.
        let restarted = host.run("(sleep 1; reboot) > /dev/null 2>&1 < /dev/null &");
        if let Err(error) = restarted {
            return Outcome::Refused {
                reason: error.to_string(),
            };
        }
    }
    step(Step::OnTrial);
    let deadline = Instant::now() + DECISION_TIME_MAX;
    let asked = std::iter::from_fn(|| {
        sleep(ASK_INTERVAL);
        (Instant::now() < deadline).then(|| state(host).ok())
    });
    decided(before, version, asked)
}

/// What a unit has decided, that was `before` and is since then as it told when `asked`; `None` where
/// it did not answer.
fn decided(before: State, version: &str, asked: impl Iterator<Item = Option<State>>) -> Outcome {
    let is_there = before.version == version;
    let (mut latest, mut unanswered) = (None, 0);
    for now in asked {
        unanswered = if now.is_some() { 0 } else { unanswered + 1 };
        match now {
            Some(now) if now.is_proven && (is_there || now.boot != before.boot) => {
                return match (now.version == version, is_there) {
                    (true, true) => Outcome::UpToDate,
                    (true, false) => Outcome::Updated {
                        from: before.version,
                    },
                    (false, _) => Outcome::FellBack {
                        version: now.version,
                    },
                };
            }
            // Still on its way down, or on trial.
            Some(now) => latest = (!now.is_proven).then_some(now),
            None => {}
        }
    }
    match latest {
        Some(now) if unanswered <= UNANSWERED_MAX => Outcome::Unproven {
            version: now.version,
        },
        _ => Outcome::Lost,
    }
}

fn install(host: &Host, bundle: &Path, step: &mut dyn FnMut(Step)) -> Result<(), Outcome> {
    let refused = |error: Error| Outcome::Refused {
        reason: last_error(&error.to_string()),
    };
    // A name of its own for each content: what a broken connection left is gone on with.
    let sum = sha256(bundle).map_err(refused)?;
    let there = format!("/data/incoming/{}.raucb", sum.get(..16).unwrap_or_default());
    deliver(host, bundle, &there, &sum, step).map_err(unreachable)?;
    step(Step::Installing);
    let installed = host.run(&format!(
        "rm -f /run/refusal; rauc install {there} 2>&1 || {{ cat /run/refusal 2> /dev/null; false; }}"
    ));
    // A unit that cannot delete goes on; its disk is looked after by its own alarms.
    let _ = host.run("rm -rf /data/incoming");
    installed.map(drop).map_err(refused)
}

/// What ssh said in the end, without its command line.
fn unreachable(error: Error) -> Outcome {
    let said = match &error {
        Error::Failed { output, .. } => output.trim().lines().last(),
        _ => None,
    };
    Outcome::Unreachable {
        reason: said.map_or_else(|| error.to_string(), str::to_owned),
    }
}

/// Sends a bundle until the unit has exactly its bytes, on its disk. A power cut may have left a part
/// from before with the right length and the wrong content: that begins anew, once.
fn deliver(
    host: &Host,
    bundle: &Path,
    there: &str,
    sum: &str,
    step: &mut dyn FnMut(Step),
) -> Result<(), Error> {
    host.run("mkdir -p /data/incoming")?;
    for _ in 0..2 {
        host.send(bundle, there, &mut |bytes| step(Step::Sending(bytes)))?;
        if host
            .run(&format!("sync; sha256sum {there}"))?
            .starts_with(sum)
        {
            return Ok(());
        }
        host.run(&format!("rm -f {there}"))?;
    }
    Err(Error::Refused(format!(
        "{there} on {} is not what was sent",
        host.address
    )))
}

/// The line in which the unit's own check, or else RAUC, says what was wrong.
fn last_error(output: &str) -> String {
    let line_with = |start| {
        let mut lines = output.lines().rev();
        lines.find_map(|line| line.trim().strip_prefix(start))
    };
    let line = line_with("refused: ").or_else(|| line_with("LastError: "));
    let line = line.unwrap_or(output);
    match line.contains("reading from file: Input/output error") {
        true => format!(
            "the bundle's bytes are not those that were signed, or its disk cannot be read: {line}"
        ),
        false => line.to_owned(),
    }
}

fn state(host: &Host) -> Result<State, Error> {
    let told = host.run(
        ". /etc/os-release; echo $VERSION_ID; cat /proc/sys/kernel/random/boot_id; \
         slot=$(sed -n 's/.*rauc.slot=\\([AB]\\).*/\\1/p' /proc/cmdline); \
         fw_printenv -n BOOT_${slot}_LEFT",
    )?;
    match told.lines().collect::<Vec<_>>()[..] {
        [version, boot, left] => Ok(State {
            version: version.to_owned(),
            boot: boot.to_owned(),
            is_proven: left == ATTEMPTS,
        }),
        _ => Err(Error::Refused(format!(
            "{}: is this a unit? It says {told:?}",
            host.address
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A unit with a version, since its first start or the next one.
    fn unit(version: &str, boot: &str, is_proven: bool) -> State {
        State {
            version: version.into(),
            boot: boot.into(),
            is_proven,
        }
    }

    #[test]
    fn a_unit_has_decided_once_it_has_restarted_and_proven_itself() {
        let after = |answers: Vec<Option<State>>| {
            decided(unit("1", "first", true), "2", answers.into_iter())
        };
        let on_its_way = || vec![Some(unit("1", "first", true)), None];
        let updated = [on_its_way(), vec![Some(unit("2", "next", true))]].concat();
        assert_eq!(after(updated), Outcome::Updated { from: "1".into() });
        let fell_back = [on_its_way(), vec![Some(unit("1", "next", true))]].concat();
        let version = "1".to_owned();
        assert_eq!(after(fell_back), Outcome::FellBack { version });
        let unproven = [on_its_way(), vec![Some(unit("2", "next", false))]].concat();
        let version = "2".to_owned();
        assert_eq!(after(unproven.clone()), Outcome::Unproven { version });
        assert_eq!(after(on_its_way()), Outcome::Lost);
        let missed_once = [unproven.clone(), vec![None]].concat();
        let version = "2".to_owned();
        assert_eq!(after(missed_once), Outcome::Unproven { version });
        let went_silent = [unproven, vec![None; UNANSWERED_MAX + 1]].concat();
        assert_eq!(after(went_silent), Outcome::Lost);
        let never_restarted = vec![Some(unit("1", "first", true))];
        assert_eq!(after(never_restarted), Outcome::Lost);
    }

    #[test]
    fn a_unit_that_runs_the_version_needs_no_restart_to_prove_itself() {
        let after = |is_proven| {
            let answers = [Some(unit("2", "first", is_proven))];
            decided(unit("2", "first", false), "2", answers.into_iter())
        };
        assert_eq!(after(true), Outcome::UpToDate);
        let version = "2".to_owned();
        assert_eq!(after(false), Outcome::Unproven { version });
    }

    #[test]
    fn of_a_unit_that_cannot_be_reached_the_report_has_what_ssh_said() {
        let failed = |output: &str| Error::Failed {
            command: "ssh -o BatchMode=yes".into(),
            status: std::os::unix::process::ExitStatusExt::from_raw(255 << 8),
            output: output.into(),
        };
        let reason = "Connection timed out during banner exchange".to_owned();
        assert_eq!(
            unreachable(failed(&format!("one line\n{reason}\r\n"))),
            Outcome::Unreachable { reason }
        );
        let reason = "`ssh -o BatchMode=yes` ended with exit status: 255".to_owned();
        assert_eq!(unreachable(failed("")), Outcome::Unreachable { reason });
    }

    #[test]
    fn a_refusal_is_told_in_the_words_of_who_refused() {
        let of_rauc = "idle\nLastError: signature verification failed\nInstalling `a` failed\n";
        assert_eq!(last_error(of_rauc), "signature verification failed");
        let of_the_unit = "LastError: Pre-install handler error\nrefused: too old\n";
        assert_eq!(last_error(of_the_unit), "too old");
        assert_eq!(last_error("no such file"), "no such file");
        let damaged = last_error(
            "LastError: Failed splicing data: Error reading from file: Input/output error\n",
        );
        assert!(damaged.starts_with("the bundle's bytes are not those that were signed"));
    }
}
