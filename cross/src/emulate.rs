//! A unit that is a virtual machine of QEMU, with U-Boot as its firmware and a file as its disk.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::board::Board;
use crate::error::{Doing, Error};
use crate::process::program;
use crate::ssh::Host;

/// Where the program of a unit takes frames.
const RADIO_PORT: u16 = 30299;

/// The host as the guest sees it: what listens on the host's loopback answers there.
pub const HOST_ADDRESS: &str = "10.0.2.2";

/// Ports on the host's loopback that lead into the machine.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// UDP, to the radio input.
    pub radio: u16,
    /// TCP, to sshd.
    pub ssh: u16,
}

impl Ports {
    /// Two that are free now.
    ///
    /// # Errors
    ///
    /// The host has none.
    pub fn free() -> Result<Self, Error> {
        let loopback = (Ipv4Addr::LOCALHOST, 0);
        let none = |error| Error::Refused(format!("no free port: {error}"));
        let radio = UdpSocket::bind(loopback)
            .and_then(|socket| socket.local_addr())
            .map_err(none)?;
        let ssh = TcpListener::bind(loopback)
            .and_then(|socket| socket.local_addr())
            .map_err(none)?;
        Ok(Self {
            radio: radio.port(),
            ssh: ssh.port(),
        })
    }
}

/// QEMU's command line for a unit.
///
/// # Errors
///
/// The board cannot be emulated.
pub fn command(board: &Board, disk: &Path, ports: Ports) -> Result<Command, Error> {
    let emulation = board.emulation.as_ref().ok_or_else(|| {
        Error::Refused(format!(
            "the board {} cannot be emulated: it has no [emulation]",
            board.name
        ))
    })?;
    if !emulation.firmware.is_file() {
        return Err(Error::content(
            &emulation.firmware,
            "U-Boot for QEMU is missing; `cross/install-tools.sh` installs it",
        ));
    }
    let mut qemu = program(&emulation.program, &emulation.machine);
    qemu.args(["-nographic", "-no-user-config", "-bios"])
        .arg(&emulation.firmware);
    qemu.arg("-drive").arg(format!(
        "if=none,format=raw,id=disk,file={}",
        disk.display()
    ));
    qemu.args([
        "-device",
        "virtio-blk-device,drive=disk",
        "-device",
        "virtio-net-device,netdev=net",
    ]);
    let Ports { radio, ssh } = ports;
    qemu.arg("-netdev").arg(format!(
        "user,id=net,hostfwd=udp:127.0.0.1:{radio}-:{RADIO_PORT},hostfwd=tcp:127.0.0.1:{ssh}-:22"
    ));
    Ok(qemu)
}

/// A machine at work; dropped, it loses its power.
#[derive(Debug)]
pub struct Machine {
    qemu: Child,
    console: PathBuf,
    /// How to reach it.
    pub ports: Ports,
}

impl Machine {
    /// Switches a machine on. What it writes on its console goes to a file.
    ///
    /// # Errors
    ///
    /// As [`command`]; or QEMU cannot be started.
    pub fn start(board: &Board, disk: &Path, ports: Ports, console: &Path) -> Result<Self, Error> {
        let written = File::options().create(true).append(true).open(console);
        let written = written.doing("write", console)?;
        let errors = written.try_clone().doing("write", console)?;
        let qemu = command(board, disk, ports)?
            .stdin(Stdio::null())
            .stdout(written)
            .stderr(errors)
            .spawn()
            .map_err(|error| Error::Refused(format!("cannot start QEMU: {error}")))?;
        Ok(Self {
            qemu,
            console: console.to_owned(),
            ports,
        })
    }

    /// What it has written on its console in all its runs.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn console(&self) -> Result<String, Error> {
        let bytes = std::fs::read(&self.console).doing("read", &self.console)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The way in by ssh.
    pub fn host(&self, key: &Path) -> Host {
        Host {
            address: Ipv4Addr::LOCALHOST.to_string(),
            port: self.ports.ssh,
            key: Some(key.to_owned()),
        }
    }

    /// Takes the power away, at once.
    pub fn cut_power(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // A machine that has ended by itself has nothing left to kill.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.end();
    }
}
